//! What a statement is about.

use super::token::{SqlToken, TokenCursor, first_tokens, placed, quoted, tokens};

/// True for `COPY ... FROM stdin;`, which is followed by rows.
pub(super) fn is_copy_from_stdin(statement: &[u8]) -> bool {
    let begins = statement.get(..5).is_some_and(|it| it.eq_ignore_ascii_case(b"copy "));
    let end = statement.trim_ascii_end().strip_suffix(b";").unwrap_or(statement).trim_ascii_end();
    let start = end.len().saturating_sub(11);
    begins && end[start..].eq_ignore_ascii_case(b" from stdin")
}

/// True for a statement after which `psql` reads text differently from our scanner. What the tools
/// write is recognized; a function may do the same unseen.
pub(super) fn changes_reading(statement: &[u8]) -> bool {
    /// In these the second byte of a letter may be ASCII.
    const ENCODINGS: [&str; 7] =
        ["big5", "gb18030", "gbk", "johab", "shift_jis_2004", "sjis", "uhc"];
    if !statement.get(..3).is_some_and(|it| it.eq_ignore_ascii_case(b"set")) {
        return false;
    }
    let text = String::from_utf8_lossy(statement).to_ascii_lowercase();
    let words: Vec<&str> = text.split(|it: char| " \t\n=;'\"".contains(it)).collect();
    let mut words = words.into_iter().filter(|word| !word.is_empty());
    if words.next() != Some("set") {
        return false;
    }
    let mut words = words.filter(|word| !matches!(*word, "session" | "local" | "to"));
    match (words.next(), words.next()) {
        (Some("standard_conforming_strings"), value) => value != Some("on"),
        (Some("client_encoding" | "names"), Some(value)) => ENCODINGS.contains(&value),
        _ => false,
    }
}

/// What `COPY` fills: schema, table and columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Copied {
    /// Names of the schema, if there is one, and of the table.
    pub table: Vec<Vec<u8>>,
    /// Names of the columns; none for all.
    pub columns: Option<Vec<Vec<u8>>>,
}

/// Parses `COPY schema.table (column, ...) FROM stdin;`, and nothing else.
pub(crate) fn copied(statement: &[u8]) -> Option<Copied> {
    let tokens = tokens(statement)?;
    let mut cursor = TokenCursor::new(&tokens);
    cursor.words("copy")?;
    let table = qualified(&mut cursor)?;
    let columns = match cursor.sign(b'(') {
        None => None,
        Some(()) => {
            let mut columns = Vec::new();
            // A table without columns has an empty list.
            if cursor.sign(b')').is_none() {
                loop {
                    columns.push(cursor.name()?.to_vec());
                    match cursor.sign(b',') {
                        Some(()) => {}
                        None => break cursor.sign(b')')?,
                    }
                }
            }
            Some(columns)
        }
    };
    cursor.words("from stdin")?;
    cursor.is_end().then_some(Copied { table, columns })
}

/// Parses a name, perhaps preceded by that of its schema, and nothing else.
pub(crate) fn qualified_name(text: &[u8]) -> Option<Vec<Vec<u8>>> {
    let tokens = tokens(text)?;
    let mut cursor = TokenCursor::new(&tokens);
    let name = qualified(&mut cursor)?;
    cursor.is_end().then_some(name)
}

fn qualified(cursor: &mut TokenCursor<'_>) -> Option<Vec<Vec<u8>>> {
    let mut names = vec![cursor.name()?.to_vec()];
    if cursor.sign(b'.').is_some() {
        names.push(cursor.name()?.to_vec());
    }
    Some(names)
}

/// A statement that pg_dump writes about a database as such (its settings, privileges, comment and
/// security labels), rewritten for a database of another name. `None` for any other statement.
pub(crate) fn about_database(statement: &[u8], database: &[u8], other: &[u8]) -> Option<Vec<u8>> {
    let placed = placed(statement)?;
    let tokens: Vec<SqlToken> = placed.iter().map(|(token, _)| token.clone()).collect();
    if authorization(&tokens).is_some() {
        return Some(statement.to_vec());
    }
    settings(&tokens, database)
        .or_else(|| comment(&tokens, database))
        .or_else(|| privileges(&tokens, database))?;
    // A role may also be called "database", but never after these words.
    let is_word = |token: &SqlToken, words: &[&str]| match token {
        SqlToken::Word(word) => words.iter().any(|it| it.as_bytes() == word),
        _ => false,
    };
    let is_name = |three: &&[(SqlToken, _)]| {
        let [(before, _), (word, _), (name, _)] = three else { return false };
        is_word(before, &["alter", "in", "on"])
            && is_word(word, &["database"])
            && matches!(name, SqlToken::Word(it) | SqlToken::Name(it) if it == database)
    };
    let place = placed.windows(3).find(is_name).map(|three| three[2].1.clone())?;
    Some([&statement[..place.start], &quoted(other), &statement[place.end..]].concat())
}

/// True for a statement that gives a database a setting, for all of its sessions or for those of a
/// role.
pub(crate) fn is_setting_of_database(statement: &[u8], database: &[u8]) -> bool {
    tokens(statement).is_some_and(|tokens| {
        let is_setting = |token: &SqlToken| matches!(token, SqlToken::Word(word) if word == b"set");
        settings(&tokens, database).is_some() && tokens.iter().any(is_setting)
    })
}

fn settings(tokens: &[SqlToken], database: &[u8]) -> Option<()> {
    let mut cursor = TokenCursor::new(tokens);
    if cursor.words("alter role").is_some() {
        cursor.name()?;
        cursor.words("in database")?;
        is_name(&mut cursor, database)?;
        return setting(&mut cursor);
    }
    cursor.words("alter database")?;
    is_name(&mut cursor, database)?;
    if cursor.words("connection limit").is_some() || cursor.words("is_template").is_some() {
        cursor.sign(b'=')?;
        return (cursor.rest().len() == 1).then_some(());
    }
    setting(&mut cursor)
}

/// `SET name TO value, value`
fn setting(cursor: &mut TokenCursor<'_>) -> Option<()> {
    cursor.words("set")?;
    qualified(cursor)?;
    cursor.words("to").or_else(|| cursor.sign(b'='))?;
    let is_value = |token: &SqlToken| !matches!(token, SqlToken::Sign(b'(' | b')' | b'='));
    (!cursor.is_end() && cursor.rest().iter().all(is_value)).then_some(())
}

fn comment(tokens: &[SqlToken], database: &[u8]) -> Option<()> {
    let mut cursor = TokenCursor::new(tokens);
    if cursor.words("security label for").is_some() {
        cursor.name()?;
    } else {
        cursor.words("comment")?;
    }
    cursor.words("on database")?;
    is_name(&mut cursor, database)?;
    cursor.words("is")?;
    cursor.text().or_else(|| cursor.words("null"))?;
    cursor.is_end().then_some(())
}

fn privileges(tokens: &[SqlToken], database: &[u8]) -> Option<()> {
    let mut cursor = TokenCursor::new(tokens);
    cursor.words("grant").or_else(|| cursor.words("revoke"))?;
    let is_privilege = |token: &SqlToken| matches!(token, SqlToken::Word(_) | SqlToken::Sign(b','));
    let privileges = cursor.until("on")?;
    cursor.words("database")?;
    is_name(&mut cursor, database)?;
    cursor.words("to").or_else(|| cursor.words("from"))?;
    let is_role = |token: &SqlToken| !matches!(token, SqlToken::Sign(sign) if *sign != b',');
    let is_right = privileges.iter().all(is_privilege) && cursor.rest().iter().all(is_role);
    is_right.then_some(())
}

/// On whose behalf privileges were granted.
fn authorization(tokens: &[SqlToken]) -> Option<()> {
    let mut cursor = TokenCursor::new(tokens);
    if cursor.words("reset session authorization").is_none() {
        cursor.words("set session authorization")?;
        cursor.name().map(drop).or_else(|| cursor.text())?;
    }
    cursor.is_end().then_some(())
}

fn is_name(cursor: &mut TokenCursor<'_>, wanted: &[u8]) -> Option<()> {
    (cursor.name()? == wanted).then_some(())
}

/// The roles named in a statement of a dump, which must exist when it is run: who gains or loses a
/// privilege, whose objects its defaults are about, on whose behalf it is run, and whom a policy
/// applies to.
pub(crate) fn roles_named(statement: &[u8]) -> Vec<Vec<u8>> {
    let first = first_tokens(statement);
    let mut cursor = TokenCursor::new(&first);
    if cursor.words("create policy").is_some() {
        return of_policy(&mut cursor).unwrap_or_default();
    }
    if cursor.words("set session authorization").is_some() {
        return cursor.name().map(<[u8]>::to_vec).into_iter().collect();
    }
    let mut roles = Vec::new();
    if cursor.words("alter default privileges for role").is_some() {
        roles.extend(cursor.name().map(<[u8]>::to_vec));
    } else if cursor.words("grant").or_else(|| cursor.words("revoke")).is_none() {
        return roles;
    }
    // What precedes may be the types of a function.
    let behind =
        |word: &[u8]| Some(statement.windows(word.len()).rposition(|it| it == word)? + word.len());
    if let Some(place) = behind(b" TO ").max(behind(b" FROM ")) {
        let tokens = first_tokens(&statement[place..]);
        let mut cursor = TokenCursor::new(&tokens);
        roles.extend(role(&mut cursor));
    }
    roles
}

fn of_policy(cursor: &mut TokenCursor<'_>) -> Option<Vec<Vec<u8>>> {
    cursor.name()?;
    cursor.words("on")?;
    qualified(cursor)?;
    for word in ["as", "for"] {
        if cursor.words(word).is_some() {
            cursor.name()?;
        }
    }
    cursor.words("to")?;
    let mut roles = Vec::new();
    loop {
        roles.extend(role(cursor));
        if cursor.sign(b',').is_none() {
            return Some(roles);
        }
    }
}

/// A role that may be missing.
fn role(cursor: &mut TokenCursor<'_>) -> Option<Vec<u8>> {
    if cursor.words("public").is_some() {
        return None;
    }
    cursor.name().map(<[u8]>::to_vec)
}

/// The subject of a statement in the script of roles and tablespaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OfGlobals {
    /// A setting of the session.
    Session,
    /// It creates a role.
    CreateRole(Vec<u8>),
    /// It creates a tablespace.
    CreateTablespace(Vec<u8>),
    /// It changes or describes a role.
    Role(Vec<u8>),
    /// It changes or describes a tablespace.
    Tablespace(Vec<u8>),
    /// It makes a role a member of another.
    Membership {
        /// The role that others are members of.
        role: Vec<u8>,
        /// The one that becomes a member.
        member: Vec<u8>,
    },
    /// It grants or revokes privileges on a tablespace, or on settings of the server.
    Privileges {
        /// The tablespace, if it is about one.
        tablespace: Option<Vec<u8>>,
        /// Who gains or loses them.
        grantees: Grantees,
    },
}

/// Who privileges are granted to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Grantees {
    /// Every role.
    Public,
    /// A role.
    Role(Vec<u8>),
}

/// Parses a statement of `pg_dumpall --globals-only`; `None` if it would not write it.
pub(crate) fn of_globals(statement: &[u8]) -> Option<OfGlobals> {
    let tokens = tokens(statement)?;
    session(&tokens)
        .or_else(|| created(&tokens))
        .or_else(|| altered(&tokens))
        .or_else(|| comment_or_label(&tokens))
        .or_else(|| granted(&tokens))
}

fn session(tokens: &[SqlToken]) -> Option<OfGlobals> {
    let mut cursor = TokenCursor::new(tokens);
    cursor.words("set")?;
    let name = cursor.name()?;
    let known: [&[u8]; 3] =
        [b"client_encoding", b"standard_conforming_strings", b"default_transaction_read_only"];
    cursor.sign(b'=').filter(|()| known.contains(&name))?;
    (cursor.rest().len() == 1).then_some(OfGlobals::Session)
}

fn created(tokens: &[SqlToken]) -> Option<OfGlobals> {
    let mut cursor = TokenCursor::new(tokens);
    if cursor.words("create role").is_some() {
        let name = cursor.name()?.to_vec();
        return cursor.is_end().then_some(OfGlobals::CreateRole(name));
    }
    cursor.words("create tablespace")?;
    let name = cursor.name()?.to_vec();
    if cursor.words("owner").is_some() {
        cursor.name()?;
    }
    cursor.words("location")?;
    cursor.text()?;
    cursor.is_end().then_some(OfGlobals::CreateTablespace(name))
}

fn altered(tokens: &[SqlToken]) -> Option<OfGlobals> {
    let mut cursor = TokenCursor::new(tokens);
    if cursor.words("alter tablespace").is_some() {
        let name = cursor.name()?.to_vec();
        cursor.words("set")?;
        cursor.sign(b'(')?;
        return Some(OfGlobals::Tablespace(name));
    }
    cursor.words("alter role")?;
    let name = cursor.name()?.to_vec();
    if cursor.words("with").is_some() {
        return Some(OfGlobals::Role(name));
    }
    if cursor.words("in database").is_some() {
        cursor.name()?;
    }
    setting(&mut cursor)?;
    Some(OfGlobals::Role(name))
}

/// Comments and security labels.
fn comment_or_label(tokens: &[SqlToken]) -> Option<OfGlobals> {
    let mut cursor = TokenCursor::new(tokens);
    if cursor.words("security label for").is_some() {
        cursor.name()?;
    } else {
        cursor.words("comment")?;
    }
    cursor.words("on")?;
    let is_role = cursor.words("role").is_some();
    if !is_role {
        cursor.words("tablespace")?;
    }
    let name = cursor.name()?.to_vec();
    cursor.words("is")?;
    cursor.text()?;
    let about = if is_role { OfGlobals::Role(name) } else { OfGlobals::Tablespace(name) };
    cursor.is_end().then_some(about)
}

fn granted(tokens: &[SqlToken]) -> Option<OfGlobals> {
    if tokens.iter().any(|token| matches!(token, SqlToken::Word(word) if word == b"on")) {
        return privileges_of(tokens);
    }
    let mut cursor = TokenCursor::new(tokens);
    cursor.words("grant")?;
    let role = cursor.name()?.to_vec();
    cursor.words("to")?;
    let member = cursor.name()?.to_vec();
    // Options follow, and who granted it.
    let is_plain = |token: &SqlToken| {
        matches!(token, SqlToken::Word(_) | SqlToken::Name(_) | SqlToken::Sign(b','))
    };
    cursor.rest().iter().all(is_plain).then_some(OfGlobals::Membership { role, member })
}

fn privileges_of(tokens: &[SqlToken]) -> Option<OfGlobals> {
    let mut cursor = TokenCursor::new(tokens);
    cursor.words("grant").or_else(|| cursor.words("revoke"))?;
    let privileges = cursor.until("on")?;
    let tablespace = match cursor.words("tablespace") {
        Some(()) => Some(cursor.name()?.to_vec()),
        None => {
            cursor.words("parameter")?;
            qualified(&mut cursor)?;
            None
        }
    };
    cursor.words("to").or_else(|| cursor.words("from"))?;
    let grantee = cursor.name()?;
    let grantees = match grantee {
        b"public" => Grantees::Public,
        role => Grantees::Role(role.to_vec()),
    };
    let is_plain = |token: &SqlToken| {
        matches!(token, SqlToken::Word(_) | SqlToken::Name(_) | SqlToken::Sign(b','))
    };
    let mut all = privileges.iter().chain(cursor.rest());
    all.all(is_plain).then_some(OfGlobals::Privileges { tablespace, grantees })
}
