//! Profiles of the credentials file that Amazon's tools use: sections in brackets with `name =
//! value` lines.

use object_store::aws::AwsCredential;

/// One profile.
#[derive(Debug, Default)]
pub struct Profile<'a> {
    settings: Vec<(&'a str, &'a str)>,
}

/// Settings that get credentials in ways that this program does not support.
const UNKNOWN_MEANS: [&str; 4] = ["credential_process", "role_arn", "sso_session", "sso_start_url"];

impl<'a> Profile<'a> {
    /// The profile with this name; `None` if the file has none.
    pub fn parse(text: &'a str, name: &str) -> Option<Self> {
        let mut found: Option<Self> = None;
        let mut is_inside = false;
        for line in text.lines().map(str::trim) {
            if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                let section = section.trim();
                let section = section.strip_prefix("profile ").unwrap_or(section).trim();
                is_inside = section == name;
                if is_inside {
                    found.get_or_insert_default();
                }
            } else if is_inside
                && !line.starts_with(['#', ';'])
                && let Some((name, value)) = line.split_once('=')
            {
                found.get_or_insert_default().settings.push((name.trim(), value.trim()));
            }
        }
        found
    }

    fn setting(&self, name: &str) -> Option<&'a str> {
        let mut settings = self.settings.iter().rev();
        settings.find(|(setting, _)| *setting == name).map(|(_, value)| *value)
    }

    /// The access key in it.
    ///
    /// # Errors
    /// Why there is none, without any values.
    pub fn credential(&self) -> Result<AwsCredential, String> {
        let owned = |name| self.setting(name).map(str::to_owned);
        match (owned("aws_access_key_id"), owned("aws_secret_access_key")) {
            (Some(key_id), Some(secret_key)) => {
                Ok(AwsCredential { key_id, secret_key, token: owned("aws_session_token") })
            }
            _ => Err(match UNKNOWN_MEANS.iter().find(|name| self.setting(name).is_some()) {
                Some(means) => format!("has no access key, and {means} is not supported"),
                None => "has no access key".to_owned(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# comment\n[default]\naws_access_key_id = AKIA1\n\
                        aws_secret_access_key=s/=1\n\n\
                        [profile other]\n; no = value\naws_access_key_id=AKIA2\r\n\
                        aws_secret_access_key = s2\n\
                        aws_session_token = t2\n[ role ]\nrole_arn = arn:x\n[empty]\n";

    #[test]
    fn profiles_give_keys() {
        let credential = |name| Profile::parse(FILE, name).unwrap().credential();
        let default = credential("default").unwrap();
        assert_eq!((default.key_id.as_str(), default.secret_key.as_str()), ("AKIA1", "s/=1"));
        assert_eq!(default.token, None);
        let other = credential("other").unwrap();
        assert_eq!((other.key_id.as_str(), other.token.as_deref()), ("AKIA2", Some("t2")));
        assert_eq!(
            credential("role").unwrap_err(),
            "has no access key, and role_arn is not supported"
        );
        assert_eq!(credential("empty").unwrap_err(), "has no access key");
        assert!(Profile::parse(FILE, "missing").is_none());
    }
}
