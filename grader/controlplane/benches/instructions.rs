//! How many instructions each verb takes: the same on every machine, busy or not, so that a change of a percent shows.
//! It needs Valgrind and gungraun-runner; `scripts/bench` brings the second.

#![expect(
    missing_docs,
    clippy::exit,
    reason = "the macros of gungraun make public items and a main that exits"
)]

mod support;

use controlplane::{ControlPlane, Request};
use gungraun::{library_benchmark, library_benchmark_group, main};
use http::Method;
use std::hint::black_box;
use support::{CONFIG_MAPS, DATABASES, cluster, cluster_with, cluster_with_databases};
use support::{config_map, database, get, post, request, send};

/// What is measured: this request, sent to this cluster.
type Case = (ControlPlane, Request);

const PATCHED: &str = "/api/v1/namespaces/default/configmaps/object-1?fieldManager=bench";

fn config_maps(stored: usize) -> ControlPlane {
    cluster_with(stored, &["default"])
}

fn patch(content_type: &'static str, body: &str) -> Case {
    (config_maps(10), request(Method::PATCH, PATCHED, content_type, body.into()))
}

fn create_config_map() -> Case {
    (config_maps(10), post(CONFIG_MAPS, &config_map("object")))
}

/// With one object: what is made once, when the first comes, is not measured.
fn databases() -> ControlPlane {
    let mut plane = cluster_with_databases();
    send(&mut plane, &post(DATABASES, &database("first")));
    plane
}

fn create_database() -> Case {
    (databases(), post(DATABASES, &database("object")))
}

fn apply_database() -> Case {
    let path = format!("{DATABASES}/object?fieldManager=bench");
    let body = database("object").to_string().into_bytes();
    (databases(), request(Method::PATCH, &path, "application/apply-patch+yaml", body))
}

fn merge_patch() -> Case {
    patch("application/merge-patch+json", r#"{"data":{"port":"5433"}}"#)
}

fn strategic_merge_patch() -> Case {
    patch("application/strategic-merge-patch+json", r#"{"data":{"port":"5433"}}"#)
}

fn json_patch() -> Case {
    patch("application/json-patch+json", r#"[{"op":"replace","path":"/data/port","value":"5433"}]"#)
}

fn apply() -> Case {
    patch("application/apply-patch+yaml", r#"{"apiVersion":"v1","kind":"ConfigMap","data":{"mode":"fast"}}"#)
}

fn delete() -> Case {
    let path = format!("{CONFIG_MAPS}/object-1");
    (config_maps(10), request(Method::DELETE, &path, "application/json", Vec::new()))
}

fn get_one(stored: usize) -> Case {
    (config_maps(stored), get(&format!("{CONFIG_MAPS}/object-50")))
}

fn list(stored: usize) -> Case {
    (config_maps(stored), get(CONFIG_MAPS))
}

/// A change among so many objects that so many watchers hear of, all of them or those of another namespace.
fn change(stored: usize, watchers: usize, watched: &str) -> Case {
    let mut plane = config_maps(stored);
    let watch = get(&format!("{watched}?watch=true&resourceVersion={}", plane.revision()));
    for _ in 0..watchers {
        send(&mut plane, &watch);
    }
    (plane, merge_patch().1)
}

#[library_benchmark]
#[bench::cluster()]
fn start() -> ControlPlane {
    black_box(cluster())
}

#[library_benchmark]
#[bench::create_config_map(args = (), setup = create_config_map)]
#[bench::create_database(args = (), setup = create_database)]
#[bench::apply_database(args = (), setup = apply_database)]
#[bench::merge_patch(args = (), setup = merge_patch)]
#[bench::strategic_merge_patch(args = (), setup = strategic_merge_patch)]
#[bench::json_patch(args = (), setup = json_patch)]
#[bench::apply(args = (), setup = apply)]
#[bench::delete(args = (), setup = delete)]
fn write((mut plane, request): Case) -> ControlPlane {
    black_box(send(&mut plane, &request));
    plane
}

#[library_benchmark]
#[bench::get_of_100(args = (100), setup = get_one)]
#[bench::get_of_1000(args = (1_000), setup = get_one)]
#[bench::list_100(args = (100), setup = list)]
#[bench::list_1000(args = (1_000), setup = list)]
fn read((mut plane, request): Case) -> ControlPlane {
    black_box(send(&mut plane, &request));
    plane
}

#[library_benchmark]
#[bench::of_100_objects(args = (100, 1, CONFIG_MAPS), setup = change)]
#[bench::of_1000_objects(args = (1_000, 1, CONFIG_MAPS), setup = change)]
#[bench::for_1000_watchers(args = (100, 1_000, CONFIG_MAPS), setup = change)]
#[bench::for_1000_watchers_elsewhere(args = (100, 1_000, "/api/v1/namespaces/kube-public/configmaps"), setup = change)]
fn watch((mut plane, request): Case) -> ControlPlane {
    black_box(send(&mut plane, &request));
    black_box(plane.take_frames());
    plane
}

library_benchmark_group!(name = verbs; benchmarks = start, write, read, watch);
main!(library_benchmark_groups = verbs);
