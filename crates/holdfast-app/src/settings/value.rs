//! How values are written: text, numbers, lists, words to choose from.

use serde_json::{Value as Json, json};
use toml::de::DeValue;

use super::reader::{SettingReader, TomlNode};

/// A type of value: its name, its schema, and how it is read.
pub(crate) trait SettingValue: Sized {
    /// What the value is, as in "a list of words".
    const EXPECTED: &'static str;
    /// An example, as written in the file.
    const EXAMPLE: &'static str;

    /// Its JSON schema.
    fn schema() -> Json;

    /// Reads it; if there is none, the mistake has been noted.
    fn read(field: &mut SettingField<'_, '_>) -> Option<Self>;
}

/// A value with its key.
pub(crate) struct SettingField<'r, 't> {
    pub(crate) key: &'r str,
    pub(crate) node: &'r TomlNode<'t>,
    pub(crate) reader: &'r mut SettingReader<'t>,
}

impl<'t> SettingField<'_, 't> {
    /// Notes that the value is wrong.
    pub(crate) fn refuse(&mut self, message: impl Into<String>, help: impl Into<String>) {
        self.reader.mistake(self.node.span(), message, help);
    }

    /// Notes that the value is of another type than `T`.
    pub(crate) fn wrong_type<T: SettingValue>(&mut self) {
        let (key, found) = (self.key, type_name(self.node.get_ref()));
        self.refuse(
            format!("`{key}` must be {}, not {found}", T::EXPECTED),
            format!("{key} = {}", T::EXAMPLE),
        );
    }

    /// Notes that the value cannot be read as `T`, with the reason.
    pub(crate) fn not_a<T: SettingValue>(&mut self, reason: &str) {
        let key = self.key;
        self.refuse(format!("`{key}` {reason}"), format!("{key} = {}", T::EXAMPLE));
    }

    /// The text of a string that should be a `T`.
    pub(crate) fn text<T: SettingValue>(&mut self) -> Option<String> {
        match self.node.get_ref().as_str() {
            Some(text) if text.contains('\0') => {
                self.not_a::<T>("contains a zero byte");
                None
            }
            Some(text) => Some(text.to_owned()),
            None => {
                self.wrong_type::<T>();
                None
            }
        }
    }

    /// The items of a list that should be a `T`.
    pub(crate) fn items<T: SettingValue, I: SettingValue>(&mut self) -> Option<Vec<I>> {
        let Some(items) = self.node.get_ref().as_array() else {
            self.wrong_type::<T>();
            return None;
        };
        let mut read = Vec::with_capacity(items.len());
        for node in items.iter() {
            read.push(I::read(&mut SettingField { key: self.key, node, reader: self.reader }));
        }
        read.into_iter().collect()
    }
}

fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Any string that is not empty.
impl SettingValue for String {
    const EXPECTED: &'static str = "a string in quotes";
    const EXAMPLE: &'static str = "\"...\"";

    fn schema() -> Json {
        json!({ "type": "string", "minLength": 1 })
    }

    fn read(field: &mut SettingField<'_, '_>) -> Option<Self> {
        let text = field.text::<Self>()?;
        if text.trim().is_empty() {
            field.not_a::<Self>("is empty");
            return None;
        }
        Some(text)
    }
}

impl SettingValue for bool {
    const EXPECTED: &'static str = "true or false";
    const EXAMPLE: &'static str = "true";

    fn schema() -> Json {
        json!({ "type": "boolean" })
    }

    fn read(field: &mut SettingField<'_, '_>) -> Option<Self> {
        let value = field.node.get_ref().as_bool();
        if value.is_none() {
            field.wrong_type::<Self>();
        }
        value
    }
}

/// A positive whole number.
impl SettingValue for u32 {
    const EXPECTED: &'static str = "a positive whole number";
    const EXAMPLE: &'static str = "100";

    fn schema() -> Json {
        json!({ "type": "integer", "minimum": 1, "maximum": u32::MAX })
    }

    fn read(field: &mut SettingField<'_, '_>) -> Option<Self> {
        let Some(integer) = field.node.get_ref().as_integer() else {
            field.wrong_type::<Self>();
            return None;
        };
        let number = u32::from_str_radix(integer.as_str(), integer.radix()).ok();
        let number = number.filter(|number| *number > 0);
        if number.is_none() {
            field.not_a::<Self>("must be a whole number from 1 to 4294967295");
        }
        number
    }
}

impl<T: SettingValue> SettingValue for Vec<T> {
    const EXPECTED: &'static str = "a list";
    const EXAMPLE: &'static str = "[...]";

    fn schema() -> Json {
        json!({ "type": "array", "items": T::schema() })
    }

    fn read(field: &mut SettingField<'_, '_>) -> Option<Self> {
        if !field.node.get_ref().is_array() {
            let (key, example) = (field.key, T::EXAMPLE);
            let found = type_name(field.node.get_ref());
            let message = format!("`{key}` must be a list, not {found}");
            field.refuse(message, format!("{key} = [{example}]"));
            return None;
        }
        field.items::<Self, T>()
    }
}

/// A type with a few values, each written as a word.
pub(crate) trait Choice: Sized + Clone + 'static {
    /// The words and what they mean.
    const WORDS: &'static [(&'static str, Self)];
}

impl<C: Choice> SettingValue for C {
    const EXPECTED: &'static str = "a string";
    const EXAMPLE: &'static str = C::WORDS[0].0;

    fn schema() -> Json {
        let words: Vec<_> = C::WORDS.iter().map(|(word, _)| *word).collect();
        json!({ "enum": words })
    }

    fn read(field: &mut SettingField<'_, '_>) -> Option<Self> {
        let words: Vec<_> = C::WORDS.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        let Some(text) = field.node.get_ref().as_str() else {
            let found = type_name(field.node.get_ref());
            let message = format!("`{}` must be a string, not {found}", field.key);
            field.refuse(message, format!("{} = {}", field.key, words.join(" or ")));
            return None;
        };
        let chosen = C::WORDS.iter().find(|(word, _)| *word == text);
        if chosen.is_none() {
            let message = format!("`{}` cannot be \"{}\"", field.key, text.escape_debug());
            field.refuse(message, format!("{} = {}", field.key, words.join(" or ")));
        }
        chosen.map(|(_, value)| value.clone())
    }
}
