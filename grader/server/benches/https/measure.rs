//! Start, memory, creates, lists and watches.

use crate::client::{Client, Events, Failure};
use crate::cluster::Running;
use http::Method;
use std::time::{Duration, Instant};

const CREATES: usize = 5_000;
const STORED: usize = 10_000;
const WATCHERS: usize = 1_000;
/// Fewer than any server allows on one connection.
const WATCHES_OF_A_CONNECTION: usize = 50;
const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
const JSON: &str = "application/json";

/// What was measured, and whether more is better.
struct Figure {
    name: String,
    unit: &'static str,
    value: f64,
    rises: bool,
}

/// Measures ours, and the real one where there is one.
pub(crate) async fn compare() -> Result<(), Failure> {
    let ours = measure(Running::ours().await?).await?;
    let real = match Running::real().await? {
        Some(real) => measure(real).await?,
        None => Vec::new(),
    };
    print(&ours, &real);
    Ok(())
}

async fn measure(cluster: Running) -> Result<Vec<Figure>, Failure> {
    let mut figures = Vec::new();
    let mut add = |name: &str, unit, value, rises| {
        figures.push(Figure { name: name.to_owned(), unit, value, rises });
    };
    println!("measuring {} ...", cluster.name);
    add("ready", "ms", milliseconds(cluster.ready), false);
    tokio::time::sleep(Duration::from_secs(1)).await;
    if let Some(memory) = cluster.memory() {
        add("memory, idle", "MiB", memory, false);
    }
    let mut client = cluster.access.client().await?;
    for name in ["warm-up-1", "warm-up-2", "warm-up-3"] {
        client.expect(Method::POST, CONFIG_MAPS, JSON, config_map(name)).await?;
    }

    let mut creates = Vec::new();
    let start = Instant::now();
    for index in 0..CREATES {
        let begun = Instant::now();
        client.expect(Method::POST, CONFIG_MAPS, JSON, config_map(&format!("create-{index}"))).await?;
        creates.push(begun.elapsed());
    }
    let per_second = CREATES as f64 / start.elapsed().as_secs_f64();
    add("creates, one after another", "1/s", per_second, true);
    add("create, p50", "ms", quantile(&mut creates, 0.5), false);
    add("create, p99", "ms", quantile(&mut creates, 0.99), false);

    let mut connection = cluster.access.watcher().await?;
    let mut events = connection
        .watch(&format!("{CONFIG_MAPS}?watch=true&resourceVersion={}", revision(&mut client).await?))
        .await?;
    let mut latencies = Vec::new();
    for index in 0..1_000 {
        let body = config_map(&format!("watched-{index}"));
        let begun = Instant::now();
        let create = client.expect(Method::POST, CONFIG_MAPS, JSON, body);
        let event = async {
            let event = events.next().await?;
            Ok::<_, Failure>((event, begun.elapsed()))
        };
        let (created, heard) = tokio::join!(create, event);
        created?;
        latencies.push(heard?.1);
    }
    add("event after its create was sent, p50", "ms", quantile(&mut latencies, 0.5), false);
    add("event after its create was sent, p99", "ms", quantile(&mut latencies, 0.99), false);
    drop(events);

    for index in CREATES + 1_003..STORED {
        client.expect(Method::POST, CONFIG_MAPS, JSON, config_map(&format!("filler-{index}"))).await?;
    }
    let mut lists = Vec::new();
    for _ in 0..10 {
        let begun = Instant::now();
        client.expect(Method::GET, CONFIG_MAPS, JSON, "").await?;
        lists.push(begun.elapsed());
    }
    add("list of 10,000, p50", "ms", quantile(&mut lists, 0.5), false);

    let from = revision(&mut client).await?;
    let mut watches: Vec<Events> = Vec::new();
    while watches.len() < WATCHERS {
        let mut connection = cluster.access.watcher().await?;
        for _ in 0..WATCHES_OF_A_CONNECTION {
            watches
                .push(connection.watch(&format!("{CONFIG_MAPS}?watch=true&resourceVersion={from}")).await?);
        }
    }
    let mut spread = Vec::new();
    for index in 0..20 {
        let begun = Instant::now();
        client.expect(Method::POST, CONFIG_MAPS, JSON, config_map(&format!("spread-{index}"))).await?;
        for events in &mut watches {
            events.next().await?;
        }
        spread.push(begun.elapsed());
    }
    add("create until 1,000 watches have it, p50", "ms", quantile(&mut spread, 0.5), false);
    if let Some(memory) = cluster.memory() {
        add("memory with 10,000 ConfigMaps and 1,000 watches", "MiB", memory, false);
    }
    Ok(figures)
}

async fn revision(client: &mut Client) -> Result<String, Failure> {
    let list = client.expect(Method::GET, &format!("{CONFIG_MAPS}?limit=1"), JSON, "").await?;
    let list: serde_json::Value = serde_json::from_slice(&list)?;
    Ok(list["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned())
}

fn config_map(name: &str) -> String {
    serde_json::json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "labels": {"app": "bench"}},
        "data": {"host": "db.default.svc", "port": "5432", "log_min_duration_statement": "250ms"},
    })
    .to_string()
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

fn quantile(durations: &mut [Duration], part: f64) -> f64 {
    durations.sort_unstable();
    let index = (durations.len().saturating_sub(1) as f64 * part) as usize;
    durations.get(index).copied().map_or(0.0, milliseconds)
}

fn print(ours: &[Figure], real: &[Figure]) {
    println!("| what | ours | kube-apiserver | times better |\n|---|---|---|---|");
    for figure in ours {
        let Figure { name, unit, value, rises } = figure;
        let other = real.iter().find(|other| other.name == *name);
        let (shown, ratio) = other.map_or(("".to_owned(), "".to_owned()), |other| {
            let ratio = if *rises { value / other.value } else { other.value / value };
            (format!("{:.2} {unit}", other.value), format!("{ratio:.1}"))
        });
        println!("| {name} | {value:.2} {unit} | {shown} | {ratio} |");
    }
}
