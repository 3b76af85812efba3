//! Access control lists: who may do what with an object.

use std::collections::BTreeMap;

use crate::bucket::http::xml::Element;

/// Permissions and the headers that grant them.
const PERMISSIONS: [(&str, &str); 5] = [
    ("FULL_CONTROL", "x-amz-grant-full-control"),
    ("READ", "x-amz-grant-read"),
    ("READ_ACP", "x-amz-grant-read-acp"),
    ("WRITE", "x-amz-grant-write"),
    ("WRITE_ACP", "x-amz-grant-write-acp"),
];

/// What an access control list grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grants {
    /// Grantees by the header that grants their permission.
    by_header: BTreeMap<&'static str, Vec<String>>,
    is_private: bool,
}

impl Grants {
    /// Reads a server's document.
    ///
    /// # Errors
    /// A description of what cannot be understood.
    pub fn parse(document: &[u8]) -> Result<Self, String> {
        let root = Element::parse(document)?;
        let owner = root.child("Owner").and_then(|owner| owner.text("ID"));
        let mut by_header: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let mut is_private = true;
        for grant in root.child("AccessControlList").into_iter().flat_map(|list| list.all("Grant"))
        {
            let permission = grant.text("Permission").unwrap_or_default();
            let header = PERMISSIONS.iter().find(|(name, _)| *name == permission);
            let (_, header) = header.ok_or_else(|| format!("unknown permission {permission:?}"))?;
            let grantee = grant.child("Grantee").ok_or("a grant has no grantee")?;
            let is_owner = owner.is_some() && grantee.text("ID") == owner;
            is_private &= is_owner && permission == "FULL_CONTROL";
            by_header.entry(*header).or_default().push(named(grantee)?);
        }
        Ok(Self { by_header, is_private })
    }

    /// True if the owner may do everything and no one else anything, as without a list.
    pub fn is_private(&self) -> bool {
        self.is_private
    }

    /// Headers that grant the same.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.by_header.iter().map(|(header, grantees)| (*header, grantees.join(", ")))
    }
}

/// A grantee as named in headers.
fn named(grantee: &Element) -> Result<String, String> {
    let kinds = [("ID", "id"), ("URI", "uri"), ("EmailAddress", "emailAddress")];
    let named = kinds.iter().find_map(|(element, kind)| Some((kind, grantee.text(element)?)));
    match named {
        Some((kind, name)) if !name.contains(['"', '\r', '\n']) => Ok(format!("{kind}=\"{name}\"")),
        _ => Err("a grantee cannot be named in a header".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(grants: &[(&str, &str)]) -> Result<Grants, String> {
        let grants = grants.iter().map(|(grantee, permission)| {
            format!(
                "<Grant><Grantee>{grantee}</Grantee><Permission>{permission}</Permission></Grant>"
            )
        });
        let list: String = grants.collect();
        let owner = "<Owner><ID>me</ID></Owner>";
        let document = format!("<A>{owner}<AccessControlList>{list}</AccessControlList></A>");
        Grants::parse(document.as_bytes())
    }

    #[test]
    fn grants_become_headers() {
        let grants = parse(&[
            ("<ID>me</ID>", "FULL_CONTROL"),
            ("<URI>http://all</URI>", "READ"),
            ("<ID>you</ID><DisplayName>Y</DisplayName>", "READ"),
        ]);
        let grants = grants.unwrap();
        assert!(!grants.is_private());
        let headers: Vec<_> = grants.headers().collect();
        assert_eq!(headers[0], ("x-amz-grant-full-control", "id=\"me\"".to_owned()));
        assert_eq!(headers[1], ("x-amz-grant-read", "uri=\"http://all\", id=\"you\"".to_owned()));
    }

    #[test]
    fn private_lists_are_recognised() {
        assert!(parse(&[]).unwrap().is_private());
        assert!(parse(&[("<ID>me</ID>", "FULL_CONTROL")]).unwrap().is_private());
        assert!(!parse(&[("<ID>me</ID>", "READ")]).unwrap().is_private());
        assert!(!parse(&[("<ID>you</ID>", "FULL_CONTROL")]).unwrap().is_private());
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        assert!(Grants::parse(b"nonsense").is_err());
        assert!(parse(&[("<ID>me</ID>", "EVERYTHING")]).is_err());
        assert!(parse(&[("", "READ")]).is_err());
        assert!(parse(&[("<ID>a\", id=\"b</ID>", "READ")]).is_err(), "no grantee is smuggled in");
    }
}
