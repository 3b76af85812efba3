//! One table of the file: the keys it may have, those it has, and unknown ones.
//!
//! Each type of table has one function that asks for its keys. It runs over a file to read it, and
//! without a file to learn which keys there may be: the schema for editors and the suggestions for
//! unknown keys are made from that. So each key is defined in one place only.

use std::ops::Range;

use serde_json::{Map, Value as Json, json};
use toml::Spanned;
use toml::de::DeTable;

use super::reader::{SettingReader, TomlNode};
use super::value::{SettingField, SettingValue};

/// Least similarity, from 0 to 1, at which an unknown key counts as mistyped.
const SIMILAR: f64 = 0.7;

/// A type of table.
pub(crate) trait SettingTable: Sized {
    /// Must ask for every key before returning: any other key counts as unknown.
    fn read(section: &mut SettingSection<'_, '_>) -> Option<Self>;
}

/// A value of `type`, its description, and the reader of the keys that go with it.
pub(crate) type Variant<T> =
    (&'static str, &'static str, fn(&mut SettingSection<'_, '_>) -> Option<T>);

/// A table being read, or only described.
pub(crate) struct SettingSection<'r, 't> {
    file: Option<InFile<'r, 't>>,
    keys: Vec<Key>,
    alternatives: Vec<&'static [&'static str]>,
    variants: Vec<(&'static str, &'static str, Description)>,
    /// True if the keys it may have cannot be determined.
    is_open: bool,
}

struct InFile<'r, 't> {
    name: &'r str,
    header: Range<usize>,
    table: &'r DeTable<'t>,
    reader: &'r mut SettingReader<'t>,
    mistakes_before: usize,
}

struct Key {
    name: &'static str,
    about: &'static str,
    is_required: bool,
    schema: Json,
}

/// The keys of a table, and which of them exclude each other.
struct Description {
    keys: Vec<Key>,
    alternatives: Vec<&'static [&'static str]>,
}

/// A table in a list of tables, with its index.
#[derive(Debug, Clone)]
pub(crate) struct Placed<T> {
    pub(crate) index: usize,
    pub(crate) value: T,
}

/// Reads the table of the whole file.
pub(crate) fn read_root<'t, T: SettingTable>(
    root: &Spanned<DeTable<'t>>,
    reader: &mut SettingReader<'t>,
) -> Option<T> {
    read_table("the file", 0..0, root.get_ref(), reader)
}

/// The schema of a type of table.
pub(crate) fn schema<T: SettingTable>() -> Json {
    let mut section = SettingSection::describing();
    T::read(&mut section);
    section.into_schema()
}

fn read_table<'t, T: SettingTable>(
    name: &str,
    header: Range<usize>,
    table: &DeTable<'t>,
    reader: &mut SettingReader<'t>,
) -> Option<T> {
    let mistakes_before = reader.mistakes_count();
    let mut section = SettingSection {
        file: Some(InFile { name, header, table, reader, mistakes_before }),
        keys: Vec::new(),
        alternatives: Vec::new(),
        variants: Vec::new(),
        is_open: false,
    };
    let read = T::read(&mut section);
    section.refuse_unknown();
    read
}

impl<'t> SettingSection<'_, 't> {
    fn describing() -> Self {
        Self {
            file: None,
            keys: Vec::new(),
            alternatives: Vec::new(),
            variants: Vec::new(),
            is_open: false,
        }
    }

    /// A required key.
    pub(crate) fn required<T: SettingValue>(
        &mut self,
        key: &'static str,
        about: &'static str,
    ) -> Option<T> {
        self.know(key, about, true, T::schema());
        let file = self.file.as_mut()?;
        match file.table.get(key) {
            Some(node) => T::read(&mut SettingField { key, node, reader: file.reader }),
            None => {
                file.lacks(key, format!("{key} = {}", T::EXAMPLE));
                None
            }
        }
    }

    /// An optional key.
    pub(crate) fn optional<T: SettingValue>(
        &mut self,
        key: &'static str,
        about: &'static str,
    ) -> Option<T> {
        self.know(key, about, false, T::schema());
        let file = self.file.as_mut()?;
        let node = file.table.get(key)?;
        T::read(&mut SettingField { key, node, reader: file.reader })
    }

    /// A required table.
    pub(crate) fn required_table<T: SettingTable>(
        &mut self,
        key: &'static str,
        about: &'static str,
    ) -> Option<T> {
        self.know(key, about, true, schema::<T>());
        let file = self.file.as_mut()?;
        match file.table.get(key) {
            Some(node) => file.table(key, node),
            None => {
                file.lacks(key, format!("add a section that begins with [{key}]"));
                None
            }
        }
    }

    /// An optional table.
    pub(crate) fn table<T: SettingTable>(
        &mut self,
        key: &'static str,
        about: &'static str,
    ) -> Option<T> {
        self.know(key, about, false, schema::<T>());
        let file = self.file.as_mut()?;
        let node = file.table.get(key)?;
        file.table(key, node)
    }

    /// An optional list of tables, without those that cannot be read.
    pub(crate) fn tables<T: SettingTable>(
        &mut self,
        key: &'static str,
        about: &'static str,
    ) -> Vec<Placed<T>> {
        self.know(key, about, false, json!({ "type": "array", "items": schema::<T>() }));
        let Some(file) = self.file.as_mut() else { return Vec::new() };
        let Some(node) = file.table.get(key) else { return Vec::new() };
        let Some(items) = node.get_ref().as_array() else {
            let message = format!("`{key}` must be a list of sections");
            file.reader.mistake(node.span(), message, format!("[[{key}]] with two brackets"));
            return Vec::new();
        };
        let name = format!("[{key}]");
        let mut read = Vec::new();
        for (index, node) in items.iter().enumerate() {
            let value = file.table(&name, node);
            read.extend(value.map(|value| Placed { index, value }));
        }
        read
    }

    /// Reads keys that depend on the value of `key`; all variants share the keys read elsewhere.
    pub(crate) fn variant<T>(
        &mut self,
        key: &'static str,
        about: &'static str,
        variants: &[Variant<T>],
    ) -> Option<T> {
        let words: Vec<_> = variants.iter().map(|(word, ..)| format!("\"{word}\"")).collect();
        self.know(key, about, true, json!({ "type": "string" }));
        let Some(file) = self.file.as_mut() else {
            for (word, about, read) in variants {
                let mut section = SettingSection::describing();
                read(&mut section);
                self.variants.push((word, about, section.into_description()));
            }
            return None;
        };
        let help = format!("{key} = {}", words.join(" or "));
        let Some(node) = file.table.get(key) else {
            file.lacks(key, help);
            self.is_open = true;
            return None;
        };
        let word = node.get_ref().as_str();
        let chosen = variants.iter().find(|(name, ..)| word == Some(name));
        let Some((_, _, read)) = chosen else {
            let message = match word {
                Some(word) => format!("`{key}` cannot be \"{}\"", word.escape_debug()),
                None => format!("`{key}` must be a string"),
            };
            file.reader.mistake(node.span(), message, help);
            self.is_open = true;
            return None;
        };
        read(self)
    }

    /// Requires exactly one of these keys; true if that is so.
    pub(crate) fn exactly_one(&mut self, keys: &'static [&'static str]) -> bool {
        self.alternatives.push(keys);
        let Some(file) = self.file.as_mut() else { return false };
        let found: Vec<_> = keys.iter().filter(|key| file.table.contains_key(**key)).collect();
        let names: Vec<_> = keys.iter().map(|key| format!("`{key}`")).collect();
        let help = format!("one of {}", names.join(", "));
        match found[..] {
            [_] => return true,
            [] => file.absence(format!("{} needs one of {}", file.name, names.join(", ")), help),
            [first, second, ..] => {
                let message = format!("`{first}` and `{second}` exclude each other");
                let span = file.key_span(second);
                file.reader.mistake(span, message, help);
            }
        }
        false
    }

    /// Notes a mistake at the value of a key, or at the table if it has no such key.
    pub(crate) fn refuse(
        &mut self,
        key: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        if let Some(file) = self.file.as_mut() {
            let span = file.table.get(key).map_or(file.header.clone(), Spanned::span);
            file.reader.mistake(span, message, help);
        }
    }

    /// True if no mistake was found in this table so far.
    pub(crate) fn is_sound(&self) -> bool {
        let sound = |file: &InFile<'_, '_>| file.reader.mistakes_count() == file.mistakes_before;
        self.file.as_ref().is_some_and(sound)
    }

    /// True if the file has the key.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.file.as_ref().is_some_and(|file| file.table.contains_key(key))
    }

    fn know(&mut self, name: &'static str, about: &'static str, is_required: bool, schema: Json) {
        self.keys.push(Key { name, about, is_required, schema });
    }

    /// Notes unknown keys, with the key that may have been meant.
    fn refuse_unknown(&mut self) {
        let Some(file) = self.file.as_mut() else { return };
        if self.is_open {
            return;
        }
        let known: Vec<_> = self.keys.iter().map(|key| key.name).collect();
        for (key, node) in file.table {
            if known.contains(&key.get_ref().as_ref()) {
                continue;
            }
            let message =
                format!("unknown key `{}` in {}", key.get_ref().escape_debug(), file.name);
            let help = match nearest(key.get_ref(), &known) {
                Some(nearest) => format!("`{nearest}`"),
                None => format!("one of {}", known.join(", ")),
            };
            // The span of a section is its heading, which contains the key.
            let hidden = Some(node.span()).filter(|value| value.start >= key.span().end);
            file.reader.mistake_hiding(key.span(), hidden, message, help);
        }
    }

    fn into_description(self) -> Description {
        Description { keys: self.keys, alternatives: self.alternatives }
    }

    fn into_schema(mut self) -> Json {
        let variants = std::mem::take(&mut self.variants);
        let shared = self.into_description();
        if variants.is_empty() {
            return shared.schema(None);
        }
        let each = variants.iter().map(|(word, about, own)| {
            let mut schema = shared.schema(Some((word, own)));
            schema["description"] = json!(about);
            schema
        });
        json!({ "oneOf": each.collect::<Vec<_>>() })
    }
}

impl<'t> InFile<'_, 't> {
    fn table<T: SettingTable>(&mut self, key: &str, node: &TomlNode<'t>) -> Option<T> {
        let name = if self.header.is_empty() || key.starts_with('[') {
            format!("[{key}]")
        } else {
            format!("[{}.{key}]", self.name.trim_matches(['[', ']']))
        };
        let Some(table) = node.get_ref().as_table() else {
            self.reader.mistake(
                node.span(),
                format!("{name} must be a section"),
                format!("{key} = {{ ... }}, or a section that begins with {name}"),
            );
            return None;
        };
        read_table(&name, node.span(), table, self.reader)
    }

    fn lacks(&mut self, key: &str, help: String) {
        self.absence(format!("{} has no `{key}`", self.name), help);
    }

    fn absence(&mut self, message: String, help: String) {
        self.reader.absence(self.header.clone(), message, help);
    }

    fn key_span(&self, key: &str) -> Range<usize> {
        self.table.get_key_value(key).map_or(self.header.clone(), |(key, _)| key.span())
    }
}

impl Description {
    fn schema(&self, variant: Option<(&str, &Self)>) -> Json {
        let own = variant.map(|(_, own)| own);
        let all = || self.keys.iter().chain(own.into_iter().flat_map(|own| &own.keys));
        let mut properties = Map::new();
        for key in all() {
            let mut schema = key.schema.clone();
            schema["description"] = json!(key.about);
            properties.insert(key.name.to_owned(), schema);
        }
        if let Some((word, _)) = variant {
            properties["type"]["const"] = json!(word);
        }
        let required: Vec<_> = all().filter(|key| key.is_required).map(|key| key.name).collect();
        let mut schema = json!({
            "type": "object",
            "properties": properties,
            "additionalProperties": false,
        });
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        let own_alternatives = own.into_iter().flat_map(|own| &own.alternatives);
        let alternatives = self.alternatives.iter().chain(own_alternatives).map(|keys| {
            let each = keys.iter().map(|key| json!({ "required": [key] }));
            json!({ "oneOf": each.collect::<Vec<_>>() })
        });
        let alternatives: Vec<_> = alternatives.collect();
        if !alternatives.is_empty() {
            schema["allOf"] = json!(alternatives);
        }
        schema
    }
}

/// The known key most similar to the one written, if any is similar enough.
fn nearest<'k>(written: &str, known: &[&'k str]) -> Option<&'k str> {
    let plain = written.to_lowercase().replace('_', "-");
    let similarity = |key: &&str| {
        let similarity = strsim::normalized_damerau_levenshtein(&plain, key);
        if key.starts_with(&plain) || plain.starts_with(*key) {
            similarity.max(SIMILAR)
        } else {
            similarity
        }
    };
    let similar = known.iter().rev().copied().filter(|key| similarity(key) >= SIMILAR);
    // Of equally similar keys, the first, which is the most important.
    similar.max_by(|a, b| similarity(a).total_cmp(&similarity(b)))
}
