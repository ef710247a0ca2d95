//! The words of `sslmode`, on a server that speaks to nobody without encryption.

use std::path::Path;

use app::conformance::render;
use app::store::Store;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use storage::{PostgresOpenError, PostgresOptions, PostgresStore};

use super::cluster::{Cluster, say_not_run};
use crate::kit::person;

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    Authority { pem, issuer: Issuer::new(params, key) }
}

/// A server with a certificate of this authority for this name, that refuses who does not encrypt.
fn start(authority: &Authority, name: &str) -> Option<Cluster> {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority.issuer).unwrap().pem();
    let prepare = |data: &Path| {
        Cluster::write_secret(&data.join("server.crt"), &certificate);
        Cluster::write_secret(&data.join("server.key"), &key.serialize_pem());
        Cluster::write_secret(&data.join("pg_hba.conf"), "hostssl all all 127.0.0.1/32 trust\n");
        Cluster::write_secret(&data.join("postgresql.auto.conf"), "ssl = on\n");
    };
    Cluster::start(false, prepare)
}

async fn open(cluster: &Cluster, query: &str) -> Result<PostgresStore, PostgresOpenError> {
    let url = format!("{}?{query}", cluster.url("postgres"));
    PostgresStore::open(&url, render, &PostgresOptions::default()).await
}

#[tokio::test]
async fn a_server_is_spoken_to_as_sslmode_says() {
    let (ours, theirs) = (authority(), authority());
    let Some(cluster) = start(&ours, "127.0.0.1") else { return say_not_run() };
    let folder = tempfile::tempdir().unwrap();
    let [ours_file, theirs_file] = [("ours", &ours), ("theirs", &theirs)].map(|(name, authority)| {
        let path = folder.path().join(name);
        std::fs::write(&path, &authority.pem).unwrap();
        format!("sslrootcert={}", path.display())
    });
    let verified = format!("sslmode=verify-full&{ours_file}");
    for query in ["", "sslmode=prefer", "sslmode=require", verified.as_str()] {
        let store = open(&cluster, query).await.unwrap_or_else(|error| panic!("{query}: {error:?}"));
        assert!(store.check().await.is_ok());
    }
    for query in ["sslmode=disable", &format!("sslmode=verify-full&{theirs_file}")] {
        let error = open(&cluster, query).await.expect_err(query);
        assert!(matches!(error, PostgresOpenError::Unreachable { .. }), "{query}: {error:?}");
    }
    let store = open(&cluster, &verified).await.unwrap();
    store.commit(&person(1, "Ana", "", "")).await.unwrap();
}

#[tokio::test]
async fn a_certificate_for_another_host_is_not_believed_in_full() {
    let ours = authority();
    let Some(cluster) = start(&ours, "db.example") else { return say_not_run() };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ours");
    std::fs::write(&path, &ours.pem).unwrap();
    assert!(open(&cluster, "sslmode=require").await.is_ok());
    let error = open(&cluster, &format!("sslmode=verify-full&sslrootcert={}", path.display())).await.unwrap_err();
    assert!(matches!(error, PostgresOpenError::Unreachable { .. }), "{error:?}");
}
