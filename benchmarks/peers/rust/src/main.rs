//! An exporter as people write it with the prometheus-client crate: `peer PAGE PORT` keeps the metrics of a page in a
//! registry, says on which port of 127.0.0.1 it serves them, and ends with its standard input. The crate has no
//! server, so this answers by itself, with gzip at the level of Go's promhttp.

use flate2::{write::GzEncoder, Compression};
use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge};
use prometheus_client::{encoding::text::encode, registry::Registry};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{atomic::AtomicU64, Arc};
use std::{collections::HashMap, env, fs::File, thread};

/// Names are static, as they are in a struct of labels.
type Labels = Vec<(&'static str, String)>;
type Set = Box<dyn Fn(&Labels, f64)>;

fn register(registry: &mut Registry, name: &str, help: &str, kind: &str) -> Set {
    let help = help.trim_end_matches('.'); // the crate puts one there
    if kind == "counter" {
        let family = Family::<Labels, Counter<f64, AtomicU64>>::default();
        registry.register(name.trim_end_matches("_total"), help, family.clone());
        return Box::new(move |labels, value| _ = family.get_or_create(labels).inc_by(value));
    }
    let family = Family::<Labels, Gauge<f64, AtomicU64>>::default();
    registry.register(name, help, family.clone());
    Box::new(move |labels, value| _ = family.get_or_create(labels).set(value))
}

/// Splits `name{label="value"} 1`.
fn sample(line: &str, names: &mut HashMap<String, &'static str>) -> (Labels, f64) {
    let (series, value) = line.rsplit_once(' ').expect("a value");
    let mut rest = series.split_once('{').map_or("", |(_, labels)| labels);
    let mut labels = Labels::new();
    while let Some((name, quoted)) = rest.split_once("=\"") {
        let (text, after) = quoted.split_once('"').expect("a label's end");
        let name = *names.entry(name.to_owned()).or_insert_with(|| name.to_owned().leak());
        labels.push((name, text.to_owned()));
        rest = after.trim_start_matches(',');
    }
    (labels, value.parse().expect("a number"))
}

fn read(page: File) -> Registry {
    let (mut registry, mut names, mut help) = (Registry::default(), HashMap::new(), String::new());
    let mut set: Set = Box::new(|_, _| panic!("a sample without a type"));
    for line in BufReader::new(page).lines().map(|line| line.expect("text")) {
        assert!(!line.contains('\\'), "escapes are not read: {line}");
        match line.splitn(4, ' ').collect::<Vec<_>>()[..] {
            ["#", "HELP", _, text] => help = text.to_owned(),
            ["#", "TYPE", name, kind] => set = register(&mut registry, name, &help, kind),
            _ => {
                let (labels, value) = sample(&line, &mut names);
                set(&labels, value);
            }
        }
    }
    registry
}

fn answer(mut stream: TcpStream, registry: &Registry) -> io::Result<()> {
    let (mut request, mut piece) = (String::new(), [0; 4096]);
    while !request.contains("\r\n\r\n") {
        match stream.read(&mut piece)? {
            0 => return Ok(()),
            size => request += &String::from_utf8_lossy(&piece[..size]),
        }
    }
    let (mut page, mut head) = (String::new(), "HTTP/1.1 200 OK\r\nConnection: close\r\n".to_owned());
    encode(&mut page, registry).expect("room");
    let mut body = page.into_bytes();
    if request.lines().any(|line| line.to_lowercase().starts_with("accept-encoding:") && line.contains("gzip")) {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
        encoder.write_all(&body)?;
        body = encoder.finish()?;
        head += "Content-Encoding: gzip\r\n";
    }
    head += "Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n";
    write!(stream, "{head}Content-Length: {}\r\n\r\n", body.len())?;
    stream.write_all(&body)
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let registry = Arc::new(read(File::open(&arguments[1]).expect("the page")));
    let listener = TcpListener::bind(format!("127.0.0.1:{}", arguments[2])).expect("a port");
    println!("{}", listener.local_addr().expect("an address").port());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let registry = registry.clone();
            thread::spawn(move || answer(stream, &registry));
        }
    });
    io::copy(&mut io::stdin(), &mut io::sink()).expect("standard input");
}
