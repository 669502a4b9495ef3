//! Where the stories take place, and how long they wait.

use controlplane::controllers::ControllerSet;
use controlplane_server::{Cluster, Limits, Settings};
use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{DeleteParams, ObjectMeta, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::LazyLock;
use std::time::Duration;

/// How long anything may take to happen: a real garbage collector finds new kinds every 30 seconds.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// One cluster for all stories; it ends with the process.
static KUBECONFIG: LazyLock<Kubeconfig> = LazyLock::new(|| {
    if let Some(path) = std::env::var_os("CLIENTS_KUBECONFIG") {
        return Kubeconfig::read_from(path).expect("a kubeconfig");
    }
    let cluster = Cluster::new(Settings {
        address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        controllers: ControllerSet::all(),
        tokens: Default::default(),
        limits: Limits::default(),
        data: None,
    });
    let cluster = cluster.expect("a free port");
    let kubeconfig = Kubeconfig::from_yaml(&cluster.kubeconfig()).expect("a kubeconfig");
    std::thread::spawn(|| cluster.run());
    kubeconfig
});

/// Lives through a story in a namespace of its own.
pub(crate) fn story<F: Future<Output = ()>>(tell: impl FnOnce(Client, String) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let config = Config::from_custom_kubeconfig(KUBECONFIG.clone(), &KubeConfigOptions::default()).await;
        let client = Client::try_from(config.expect("a context")).expect("a client");
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let metadata = ObjectMeta { generate_name: Some("kube-rs-".to_owned()), ..ObjectMeta::default() };
        let made = namespaces
            .create(&PostParams::default(), &Namespace { metadata, ..Namespace::default() })
            .await
            .expect("a namespace");
        let name = made.metadata.name.expect("a generated name");
        tell(client.clone(), name.clone()).await;
        namespaces.delete(&name, &DeleteParams::background()).await.expect("the namespace is deleted");
    });
}

/// Looks until it is so.
pub(crate) async fn eventually(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !so().await {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("not in {PATIENCE:?}: {what}"));
}

/// What a future comes to, if it does in time.
pub(crate) async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    let answer = tokio::time::timeout(PATIENCE, future).await;
    answer.unwrap_or_else(|_| panic!("not in {PATIENCE:?}: {what}"))
}

/// The next item of a stream.
pub(crate) async fn next<T>(what: &str, stream: &mut Pin<Box<impl Stream<Item = T> + ?Sized>>) -> T {
    in_time(what, stream.next()).await.unwrap_or_else(|| panic!("the stream ended: {what}"))
}

/// The HTTP status of a refusal.
pub(crate) fn refusal<T: std::fmt::Debug>(result: kube::Result<T>) -> u16 {
    match result {
        Err(kube::Error::Api(status)) => status.code,
        other => panic!("no refusal: {other:?}"),
    }
}
