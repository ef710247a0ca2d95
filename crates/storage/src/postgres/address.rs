//! Where a database is, and how to speak to it: a URL as libpq has it, and its `sslmode`.
//!
//! `prefer` and `require` encrypt and believe any certificate, `verify-full` believes only one
//! that was signed for this host by an authority of `sslrootcert` or, without it, of the system.
//! No password is in any error, and a URL that does not say where its password ends is refused.
//! Evidence: the tests below; `tests/it/postgres/tls.rs`.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Why a URL leads nowhere.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// It cannot be told where a password ends.
    #[error(
        "the URL of the database has more than one `@`: write an `@` in a name or a password as %40, so that it can \
         be told where the host begins"
    )]
    Ambiguous,
    /// No URL of a database.
    #[error("the URL of the database cannot be read")]
    Unreadable(#[source] tokio_postgres::Error),
    /// Another word than those known.
    #[error("sslmode cannot be `{mode}`: use disable, prefer, require or verify-full")]
    UnknownSslMode {
        /// As given.
        mode: String,
    },
    /// There are no certificates to verify by.
    #[error("no certificates can be read from `{from}`")]
    NoRoots {
        /// A file, or the system.
        from: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The certificates are of no use.
    #[error("the certificates cannot be used to verify by")]
    UnusableRoots(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Where a database is.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
    /// Host and database, for errors.
    pub(super) shown: String,
}

impl Address {
    pub(super) fn parse(url: &str) -> Result<Self, AddressError> {
        // What comes after the first would be taken for a host or a database, and shown.
        if url.split('?').next().is_some_and(|before| before.matches('@').count() > 1) {
            return Err(AddressError::Ambiguous);
        }
        let (rest, parameters) = take_parameters(url, &["sslmode", "sslrootcert"]);
        let parameter = |wanted: &str| parameters.iter().rev().find(|(name, _)| name == wanted).map(|(_, value)| value);
        let mut config = Config::from_str(&rest).map_err(AddressError::Unreadable)?;
        let mode = parameter("sslmode").map_or("prefer", String::as_str);
        config.ssl_mode(match mode {
            "disable" => SslMode::Disable,
            "prefer" => SslMode::Prefer,
            "require" | "verify-full" => SslMode::Require,
            _ => return Err(AddressError::UnknownSslMode { mode: mode.to_owned() }),
        });
        if config.get_application_name().is_none() {
            config.application_name("concord");
        }
        if config.get_hosts().len() > 1 && config.get_target_session_attrs() == TargetSessionAttrs::Any {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        let tls = tls_config(&match (mode, parameter("sslrootcert")) {
            ("verify-full", None) => Trust::System,
            ("verify-full", Some(file)) if file == "system" => Trust::System,
            ("verify-full", Some(file)) => Trust::File(PathBuf::from(file)),
            _ => Trust::Anyone,
        })?;
        let shown = shown(&config);
        Ok(Self { config, tls: MakeRustlsConnect::new(tls), shown })
    }

    /// The URL without who asks and how: the same for whoever means the same database by the same name.
    pub(super) fn location(&self) -> String {
        let ports = self.config.get_ports();
        let places = self.config.get_hosts().iter().enumerate().map(|(nth, host)| {
            let port = ports.get(nth).or(ports.first()).copied().unwrap_or(5432);
            format!("{}:{port}", name_of(host))
        });
        let database = self.config.get_dbname().or(self.config.get_user()).unwrap_or_default();
        format!("postgres://{}/{database}", places.collect::<Vec<_>>().join(","))
    }
}

fn shown(config: &Config) -> String {
    let hosts = config.get_hosts().iter().map(name_of).collect::<Vec<_>>().join(",");
    format!("{hosts}/{}", config.get_dbname().or(config.get_user()).unwrap_or_default())
}

fn name_of(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(path) => path.display().to_string(),
    }
}

/// Takes parameters out of the query of a URL that the driver would read otherwise.
fn take_parameters(url: &str, names: &[&str]) -> (String, Vec<(String, String)>) {
    let Some((rest, query)) = url.split_once('?') else { return (url.to_owned(), Vec::new()) };
    let (mut kept, mut taken) = (Vec::new(), Vec::new());
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some((name, value)) if names.contains(&name) => taken.push((name.to_owned(), percent_decoded(value))),
            _ => kept.push(pair),
        }
    }
    (format!("{rest}?{}", kept.join("&")).trim_end_matches('?').to_owned(), taken)
}

fn percent_decoded(raw: &str) -> String {
    let raw = raw.as_bytes();
    let mut decoded = Vec::with_capacity(raw.len());
    let mut place = 0;
    while place < raw.len() {
        let digits = raw.get(place + 1..place + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if raw[place] == b'%' => {
                decoded.push(byte);
                place += 3;
            }
            _ => {
                decoded.push(raw[place]);
                place += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// Whose word is taken for who the server is.
enum Trust {
    Anyone,
    System,
    File(PathBuf),
}

fn tls_config(trust: &Trust) -> Result<ClientConfig, AddressError> {
    let provider = Arc::new(ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match trust {
        Trust::Anyone => Arc::new(BelieveAnyone(Arc::clone(&provider))),
        Trust::System | Trust::File(_) => {
            let roots = Arc::new(roots(trust)?);
            WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
                .build()
                .map_err(|error| AddressError::UnusableRoots(error.into()))?
        }
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has what these versions need")
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(config)
}

fn roots(trust: &Trust) -> Result<RootCertStore, AddressError> {
    let (from, certificates): (String, Vec<CertificateDer<'static>>) = match trust {
        Trust::File(file) => {
            let from = file.display().to_string();
            let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
            let certificates = read.map_err(|error| AddressError::NoRoots { from: from.clone(), source: error.into() });
            (from, certificates?)
        }
        Trust::System | Trust::Anyone => ("the system".to_owned(), rustls_native_certs::load_native_certs().certs),
    };
    let mut roots = RootCertStore::empty();
    // Systems carry certificates that are too old in form; the others count.
    let (added, _) = roots.add_parsable_certificates(certificates);
    if added == 0 {
        return Err(AddressError::NoRoots { from, source: "there are none".into() });
    }
    Ok(roots)
}

/// For the modes that encrypt against listeners and ask nobody who he is.
#[derive(Debug)]
struct BelieveAnyone(Arc<CryptoProvider>);

impl ServerCertVerifier for BelieveAnyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_sslmode_is_one_of_the_words_of_libpq() {
        let mode = |mode: &str| {
            Address::parse(&format!("postgres://ann:secret@db.example/desk?{mode}")).map(|a| a.config.get_ssl_mode())
        };
        assert_eq!(mode("sslmode=disable").unwrap(), SslMode::Disable);
        assert_eq!(mode("connect_timeout=3&sslmode=require").unwrap(), SslMode::Require);
        assert_eq!(mode("connect_timeout=3").unwrap(), SslMode::Prefer);
        let error = mode("sslmode=allow").unwrap_err().to_string();
        assert_eq!(error, "sslmode cannot be `allow`: use disable, prefer, require or verify-full");
        let missing = mode("sslmode=verify-full&sslrootcert=%2Fno%2fsuch.pem").unwrap_err().to_string();
        assert_eq!(missing, "no certificates can be read from `/no/such.pem`");
    }

    #[test]
    fn what_is_shown_has_no_password() {
        let address = Address::parse("postgres://ann:secret@db.example:5433/desk?sslmode=disable").unwrap();
        assert_eq!(address.shown, "db.example/desk");
        assert_eq!(address.location(), "postgres://db.example:5433/desk");
        assert_eq!(address.config.get_ports(), [5433]);
    }

    #[test]
    fn a_password_with_an_at_sign_is_refused_and_not_taken_for_a_host() {
        for url in ["postgres://ann:p@zq@db.example/desk", "postgres://ann:p@zq/z@db.example/desk"] {
            let error = Address::parse(url).err().expect("nobody knows where its host begins");
            assert!(error.to_string().contains("write an `@` in a name or a password as %40"), "{error}");
            assert!(!format!("{error} {error:?}").contains("zq"), "{error:?}");
        }
        let address = Address::parse("postgres://ann:p%40ss@db.example/desk?application_name=ann@desk").unwrap();
        assert_eq!(address.config.get_password(), Some(&b"p@ss"[..]));
        assert_eq!(address.shown, "db.example/desk");
    }

    #[test]
    fn several_hosts_are_asked_for_the_one_that_takes_writes() {
        let address = Address::parse("postgres://one.example,two.example/desk").unwrap();
        assert_eq!(address.config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
    }
}
