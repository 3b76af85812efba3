//! The queries of checks of sequences and hash chains.

use super::settings::{ChainRule, SequenceRule};

/// Counts the gaps in the numbers of a column, and all rows.
pub fn sequence_query(sequence: &SequenceRule) -> String {
    let (table, column) = (table_name(&sequence.table), quoted(&sequence.column));
    format!(
        "select count(*) filter (where step <> 1), count(*) from \
         (select {column} - lag({column}) over (order by {column}) as step from {table}) as steps"
    )
}

/// Counts the rows that do not carry the hash of the previous row, and all rows.
pub fn chain_query(chain: &ChainRule) -> String {
    let table = table_name(&chain.table);
    let [order, hash, previous] = [&chain.order, &chain.hash, &chain.previous].map(|it| quoted(it));
    format!(
        "select count(*) filter (where place > 1 and {previous} is distinct from before), count(*) \
         from (select {previous}, lag({hash}) over (order by {order}) as before, \
         row_number() over (order by {order}) as place from {table}) as links"
    )
}

/// A quoted name, with its schema before the first dot if it has one.
fn table_name(name: &str) -> String {
    match name.split_once('.') {
        Some((schema, table)) => format!("{}.{}", quoted(schema), quoted(table)),
        None => quoted(name),
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted() {
        let sequence = SequenceRule { table: "audit.log \"x\"".into(), column: "no".into() };
        let query = sequence_query(&sequence);
        assert!(query.contains("from \"audit\".\"log \"\"x\"\"\")"), "{query}");
        assert!(query.contains("order by \"no\""), "{query}");
    }
}
