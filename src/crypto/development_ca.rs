//! A certificate authority for development, which signs the certificate of a sandbox. With its key,
//! any server can pose as another to browsers that trust it, so each machine makes its own.

use chrono::{Datelike, Days, NaiveDate};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use thiserror::Error;

/// Years for which the authority is valid.
const AUTHORITY_YEARS: i32 = 10;

/// Days for which a server's certificate is valid. Browsers refuse more than 825.
const SERVER_DAYS: u64 = 397;

/// Name of the authority, which browsers show.
const AUTHORITY_NAME: &str = "mockaa development CA";

/// Error of a certificate or its key.
#[derive(Debug, Error)]
#[error(transparent)]
pub(crate) struct CertificateError(#[from] rcgen::Error);

/// The certificate of the authority and its private key, both in PEM.
#[derive(Clone)]
pub(crate) struct DevelopmentCa {
    pub certificate: String,
    pub key: String,
}

/// A server's certificate chain and its private key, in PEM.
pub(crate) struct ServerCertificate {
    pub chain: String,
    pub key: String,
}

impl DevelopmentCa {
    /// Makes an authority that is valid from the day before `today`.
    ///
    /// # Errors
    /// The random numbers or the key fail.
    pub(crate) fn generate(today: NaiveDate) -> Result<Self, CertificateError> {
        let key = KeyPair::generate()?;
        let mut params = authority_params();
        let end = today.with_year(today.year() + AUTHORITY_YEARS);
        set_validity(&mut params, today, end.unwrap_or(today));
        Ok(Self {
            certificate: params.self_signed(&key)?.pem(),
            key: key.serialize_pem(),
        })
    }

    /// Issues a certificate for a server with these names and addresses.
    ///
    /// # Errors
    /// A name that cannot stand in a certificate, or a broken key.
    pub(crate) fn issue_server_certificate(
        &self,
        names: Vec<String>,
        today: NaiveDate,
    ) -> Result<ServerCertificate, CertificateError> {
        let issuer = Issuer::new(authority_params(), KeyPair::from_pem(&self.key)?);
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, "mockaa");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        set_validity(&mut params, today, today + Days::new(SERVER_DAYS - 1));
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &issuer)?;
        Ok(ServerCertificate {
            chain: certificate.pem() + &self.certificate,
            key: key.serialize_pem(),
        })
    }
}

fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, AUTHORITY_NAME);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// Sets the period from the day before `today`, since clocks differ, to the end.
fn set_validity(params: &mut CertificateParams, today: NaiveDate, end: NaiveDate) {
    let convert = |day: NaiveDate| {
        let part = |number: u32| u8::try_from(number).unwrap_or(1);
        date_time_ymd(day.year(), part(day.month()), part(day.day()))
    };
    params.not_before = convert(today - Days::new(1));
    params.not_after = convert(end);
}
