//! A table as Markdown, so that it can be put into a document as it is.
//! In come a heading and rows of text; out goes the table on standard output.
//! It never shortens anything.

/// Prints a table.
pub fn print(heading: &[&str], rows: &[Vec<String>]) {
    let heading: Vec<String> = heading.iter().map(|&cell| cell.to_owned()).collect();
    let widths: Vec<usize> = (0..heading.len())
        .map(|column| {
            let cells = rows.iter().chain([&heading]).filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        })
        .collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!(" {cell:<width$} |", width = *width));
        format!("|{}", cells.collect::<String>())
    };
    let rule: String = widths.iter().map(|width| format!("{}|", "-".repeat(width + 2))).collect();
    println!("\n{}\n|{rule}", line(&heading));
    for row in rows {
        println!("{}", line(row));
    }
    println!();
}

/// One row.
#[macro_export]
macro_rules! row {
    ($($cell:expr),+ $(,)?) => { vec![$(($cell).to_string()),+] };
}
