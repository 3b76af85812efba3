//! XML as services use it: elements and text, as a small tree. Comments, name spaces and all
//! attributes but one are ignored.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

/// Elements may be nested this deep; S3's are at most 8 deep.
const DEPTH_MAX: usize = 32;

/// One element.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Element {
    /// Name without name space.
    pub name: String,
    /// Its text; for an element with children, only the spaces between them.
    pub text: String,
    /// Child elements, in order.
    pub children: Vec<Element>,
    /// True if it has `Encoded="true"`, which Azure uses for names that XML cannot represent.
    pub is_encoded: bool,
}

impl Element {
    /// Reads a document.
    ///
    /// # Errors
    /// A description of what is wrong with it.
    pub fn parse(document: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(document).map_err(|_| "it is not UTF-8".to_owned())?;
        let mut reader = Reader::from_str(text);
        // The last element is the one being read; the first represents the document.
        let mut open = vec![Self::default()];
        loop {
            match reader.read_event().map_err(|error| error.to_string())? {
                Event::Start(start) if open.len() > DEPTH_MAX => {
                    return Err(format!("<{}> is nested too deeply", name(&start)));
                }
                Event::Start(start) => open.push(Self::named(&start)),
                Event::Empty(start) => add(&mut open, Self::named(&start))?,
                Event::End(_) => {
                    let element = open.pop().ok_or("a closing tag has no opening tag")?;
                    add(&mut open, element)?;
                }
                Event::Text(text) => append(&mut open, &text.decode().map_err(|e| e.to_string())?),
                Event::CData(text) => append(&mut open, &text.decode().map_err(|e| e.to_string())?),
                Event::GeneralRef(reference) => append(&mut open, &character(&reference)?),
                Event::Eof => break,
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::DocType(_) => {}
            }
        }
        let [document] = open.as_mut_slice() else {
            return Err("it is truncated".to_owned());
        };
        match document.children.as_mut_slice() {
            [root] => Ok(std::mem::take(root)),
            _ => Err("it is not an XML document".to_owned()),
        }
    }

    fn named(start: &BytesStart<'_>) -> Self {
        let encoded = start.try_get_attribute("Encoded").ok().flatten();
        let is_encoded = encoded.is_some_and(|attribute| attribute.value.as_ref() == b"true");
        Self { name: name(start), is_encoded, ..Self::default() }
    }

    /// The first child element with this name.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All child elements with this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the first child element with this name.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }
}

fn name(start: &BytesStart<'_>) -> String {
    String::from_utf8_lossy(start.local_name().as_ref()).into_owned()
}

/// Adds a finished element to its parent.
fn add(open: &mut [Element], element: Element) -> Result<(), String> {
    let parent = open.last_mut().ok_or("a closing tag has no opening tag")?;
    parent.children.push(element);
    Ok(())
}

fn append(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

/// The character that `&...;` stands for.
fn character(reference: &BytesRef<'_>) -> Result<String, String> {
    if let Some(character) = reference.resolve_char_ref().map_err(|error| error.to_string())? {
        return Ok(character.into());
    }
    let name = reference.decode().map_err(|error| error.to_string())?;
    match quick_xml::escape::resolve_xml_entity(&name) {
        Some(text) => Ok(text.to_owned()),
        None => Err(format!("&{name}; is unknown")),
    }
}

/// Text escaped for use between tags.
pub fn escaped(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_becomes_a_tree() {
        let document = "\u{feff}<?xml version=\"1.0\"?>\n<s3:A xmlns:s3=\"x\">\n \
                        <B x='y'> a &amp;&#x41;<![CDATA[<]]> </B>\
                        <C/><!-- no --><B>second</B></s3:A>\n";
        let root = Element::parse(document.trim_start_matches('\u{feff}').as_bytes()).unwrap();
        assert_eq!(root.name, "A");
        assert_eq!(root.text("B"), Some(" a &A< "));
        assert_eq!(root.all("B").count(), 2);
        assert_eq!(root.text("C"), Some(""));
        assert_eq!(root.text("D"), None);
    }

    #[test]
    fn what_is_no_document_is_refused() {
        let deep = "<a>".repeat(100_000);
        let bad: [&[u8]; 9] = [
            b"",
            b"text",
            b"<a>",
            b"<a></b>",
            b"</a>",
            b"<a>&unknown;</a>",
            b"<a/><b/>",
            b"<a>\xff</a>",
            deep.as_bytes(),
        ];
        for document in bad {
            assert!(Element::parse(document).is_err(), "{:?}", document.escape_ascii().to_string());
        }
    }

    #[test]
    fn text_that_was_escaped_is_read_as_it_was() {
        let text = "<a & \"b\" ']]>";
        let document = format!("<x>{}</x>", escaped(text));
        assert_eq!(Element::parse(document.as_bytes()).unwrap().text, text);
    }
}
