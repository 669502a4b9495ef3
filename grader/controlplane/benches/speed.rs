//! How long it takes: start-up, each verb, and what grows with what is stored and who watches.

mod support;

use controlplane::access::{Access, Authorization, Strangers, User};
use controlplane::{ControlPlane, Options, Request};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use http::{HeaderValue, Method, header};
use serde_json::{Value, json};
use std::hint::black_box;
use std::time::{Duration, Instant};
use support::{CONFIG_MAPS, DATABASES, NOW, cluster, cluster_with, cluster_with_databases};
use support::{config_map, database, get, post, request, send};

const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const JSON_PATCH: &str = "application/json-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

fn start_up(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("start-up");
    group.bench_function("of a cluster", |bench| bench.iter(|| black_box(cluster())));
    group.bench_function("of a cluster with a definition", |bench| {
        bench.iter(|| black_box(cluster_with_databases()));
    });
}

/// Times one request per object, on a cluster that starts empty.
fn one_each(
    iterations: u64,
    cluster: impl Fn() -> ControlPlane,
    make: impl Fn(&mut ControlPlane, u64) -> Request,
) -> Duration {
    const AT_A_TIME: u64 = 10_000;
    let mut spent = Duration::ZERO;
    for first in (0..iterations).step_by(AT_A_TIME as usize) {
        let mut plane = cluster();
        let names = first..iterations.min(first + AT_A_TIME);
        let requests: Vec<Request> = names.map(|index| make(&mut plane, index)).collect();
        let start = Instant::now();
        for request in &requests {
            black_box(send(&mut plane, request));
        }
        spent += start.elapsed();
    }
    spent
}

fn writes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("write");
    group.throughput(Throughput::Elements(1));
    group.bench_function("create a ConfigMap", |bench| {
        bench.iter_custom(|iterations| {
            one_each(iterations, cluster, |_, index| {
                post(CONFIG_MAPS, &config_map(&format!("object-{index}")))
            })
        });
    });
    group.bench_function("create a custom resource with CEL", |bench| {
        bench.iter_custom(|iterations| {
            one_each(iterations, cluster_with_databases, |_, index| {
                post(DATABASES, &database(&format!("object-{index}")))
            })
        });
    });
    group.bench_function("apply a new custom resource with CEL", |bench| {
        bench.iter_custom(|iterations| {
            one_each(iterations, cluster_with_databases, |_, index| {
                let name = format!("object-{index}");
                let path = format!("{DATABASES}/{name}?fieldManager=bench");
                request(Method::PATCH, &path, APPLY, database(&name).to_string().into_bytes())
            })
        });
    });
    for (name, content_type, patch) in [
        ("merge patch a ConfigMap", MERGE, r#"{"data":{"port":"5433"}}"#),
        ("strategic merge patch a ConfigMap", STRATEGIC, r#"{"data":{"port":"5433"}}"#),
        ("JSON patch a ConfigMap", JSON_PATCH, r#"[{"op":"replace","path":"/data/port","value":"5433"}]"#),
        (
            "apply to a ConfigMap",
            APPLY,
            r#"{"apiVersion":"v1","kind":"ConfigMap","data":{"mode":"fast","host":"db.default.svc"}}"#,
        ),
    ] {
        group.bench_function(name, |bench| {
            bench.iter_custom(|iterations| {
                one_each(iterations, cluster, |plane, index| {
                    let name = format!("object-{index}");
                    send(plane, &post(CONFIG_MAPS, &config_map(&name)));
                    let path = format!("{CONFIG_MAPS}/{name}?fieldManager=patch");
                    request(Method::PATCH, &path, content_type, patch.into())
                })
            });
        });
    }
    group.bench_function("update a ConfigMap", |bench| {
        bench.iter_custom(|iterations| {
            one_each(iterations, cluster, |plane, index| {
                let name = format!("object-{index}");
                let created = send(plane, &post(CONFIG_MAPS, &config_map(&name)));
                // Names and versions are numbers, too.
                let changed = String::from_utf8_lossy(&created).replace("250ms", "500ms");
                request(Method::PUT, &format!("{CONFIG_MAPS}/{name}"), "application/json", changed.into())
            })
        });
    });
    group.bench_function("delete a ConfigMap", |bench| {
        bench.iter_custom(|iterations| {
            one_each(iterations, cluster, |plane, index| {
                let name = format!("object-{index}");
                send(plane, &post(CONFIG_MAPS, &config_map(&name)));
                request(Method::DELETE, &format!("{CONFIG_MAPS}/{name}"), "application/json", Vec::new())
            })
        });
    });
}

fn reads(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read");
    for count in [100, 10_000] {
        let mut plane = cluster_with(count, &["default"]);
        group.bench_function(format!("get one of {count}"), |bench| {
            let request = get(&format!("{CONFIG_MAPS}/object-50"));
            bench.iter(|| black_box(send(&mut plane, &request)));
        });
        group.bench_function(format!("list {count}"), |bench| {
            let request = get(CONFIG_MAPS);
            bench.iter(|| black_box(send(&mut plane, &request)));
        });
        group.bench_function(format!("page of 100 of {count}"), |bench| {
            let request = get(&format!("{CONFIG_MAPS}?limit=100"));
            bench.iter(|| black_box(send(&mut plane, &request)));
        });
    }
    for others in [0, 10_000] {
        let mut plane = cluster_with(others, &["before", "zero"]);
        for index in 0..10 {
            send(&mut plane, &post(CONFIG_MAPS, &config_map(&format!("object-{index}"))));
        }
        group.bench_function(format!("list 10 beside {others} of other namespaces"), |bench| {
            let request = get(CONFIG_MAPS);
            bench.iter(|| black_box(send(&mut plane, &request)));
        });
    }
}

/// One change and the frames that it makes.
fn watches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("watch");
    let changes = [r#"{"data":{"port":"1"}}"#, r#"{"data":{"port":"2"}}"#]
        .map(|patch| request(Method::PATCH, &format!("{CONFIG_MAPS}/object-1"), MERGE, patch.into()));
    for (stored, watchers, path) in [
        (100, 1, CONFIG_MAPS),
        (10_000, 1, CONFIG_MAPS),
        (100, 1_000, CONFIG_MAPS),
        (10_000, 1_000, CONFIG_MAPS),
        (100, 1_000, "/api/v1/namespaces/kube-public/configmaps"),
    ] {
        let mut plane = cluster_with(stored, &["default"]);
        let watch = get(&format!("{path}?watch=true&resourceVersion={}", plane.revision()));
        for _ in 0..watchers {
            send(&mut plane, &watch);
        }
        let place = if path == CONFIG_MAPS { "" } else { " of another namespace" };
        group.bench_function(format!("a change for {watchers} watchers{place}, {stored} stored"), |bench| {
            let mut turn = 0;
            bench.iter(|| {
                turn ^= 1;
                black_box(send(&mut plane, &changes[turn]));
                black_box(plane.take_frames())
            });
        });
    }
    group.bench_function("list and watch 10000 objects", |bench| {
        let plane = cluster_with(10_000, &["default"]);
        let request = get(&format!(
            "{CONFIG_MAPS}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
        ));
        let plane = std::cell::RefCell::new(plane);
        bench.iter_batched(
            || (),
            |()| {
                let mut plane = plane.borrow_mut();
                send(&mut plane, &request);
                black_box(plane.take_frames())
            },
            BatchSize::PerIteration,
        );
    });
}

/// An API server without controllers that lets in who it knows: `admin` may do everything, `alice` read ConfigMaps.
fn guarded_cluster() -> ControlPlane {
    let user = |name: &str, group: &str| (name.to_owned(), User::new(name, [group]));
    let access = Access {
        tokens: [user("admin", "system:masters"), user("alice", "dev")].into(),
        strangers: Strangers::Anonymous,
        authorization: Authorization::Rbac,
        ..Access::default()
    };
    ControlPlane::new(Options { seed: 1, start: NOW, access, ..Options::default() })
}

/// A request with a bearer token.
fn by(token: &str, mut request: Request) -> Request {
    let value = HeaderValue::try_from(format!("Bearer {token}")).expect("a token is ASCII");
    request.headers.insert(header::AUTHORIZATION, value);
    request
}

fn access(criterion: &mut Criterion) {
    const BINDINGS: &str = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings";
    const ROLES: &str = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles";
    const ACCOUNTS: &str = "/api/v1/namespaces/default/serviceaccounts";
    let mut group = criterion.benchmark_group("access");
    group.bench_function("start-up of a cluster with RBAC", |bench| {
        bench.iter(|| black_box(guarded_cluster()));
    });
    let mut plane = guarded_cluster();
    let admin = |request| by("admin", request);
    send(&mut plane, &admin(post(CONFIG_MAPS, &config_map("object"))));
    send(&mut plane, &admin(post(ACCOUNTS, &json!({"metadata": {"name": "robot"}}))));
    let role = json!({
        "metadata": {"name": "reader"},
        "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}],
    });
    send(&mut plane, &admin(post(ROLES, &role)));
    let binding = json!({
        "metadata": {"name": "readers"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        "subjects": [{"kind": "User", "name": "alice"}, {"kind": "ServiceAccount", "name": "robot"}],
    });
    send(&mut plane, &admin(post(BINDINGS, &binding)));
    let made = send(&mut plane, &admin(post(&format!("{ACCOUNTS}/robot/token"), &json!({}))));
    let made: Value = serde_json::from_slice(&made).expect("a TokenRequest");
    let token = made["status"]["token"].as_str().expect("a token");
    for (who, token) in
        [("an administrator", "admin"), ("a user with a role", "alice"), ("a service account", token)]
    {
        group.bench_function(format!("get as {who}"), |bench| {
            let request = by(token, get(&format!("{CONFIG_MAPS}/object")));
            bench.iter(|| black_box(send(&mut plane, &request)));
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = start_up, writes, reads, watches, access
}
criterion_main!(benches);
