//! Names and the addresses behind them, with a lookup of the tests' own.

use super::*;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// A client that may call the names, each of which leads to what `addresses` holds for the first
/// question, the second and so on, and then to the last.
fn client(hosts: &[&str], addresses: &'static [&'static [&'static str]]) -> Client {
    let hosts = hosts.iter().map(|host| Host::parse(host).unwrap()).collect();
    let asked = AtomicUsize::new(0);
    let lookup = move |_| -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let turn = asked.fetch_add(1, Ordering::Relaxed).min(addresses.len() - 1);
        let found = addresses[turn].iter().map(|address| address.parse().unwrap()).collect();
        Box::pin(async move { Ok(found) })
    };
    Client::with_lookup(hosts, Arc::new(lookup))
}

fn message() -> Message {
    Message { host: None, sni: false, headers: headers(&[("x-test", "1")]), body: Bytes::from_static(b"a=1") }
}

/// Answers the next call with `{}` and counts it.
async fn listener(calls: Arc<AtomicUsize>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            calls.fetch_add(1, Ordering::Relaxed);
            let mut room = [0; 4096];
            let _ = stream.read(&mut room).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await;
        }
    });
    port
}

/// Sends to `name` on the listener's port, and tells how many calls came.
fn sent(name: &str, addresses: &'static [&'static [&'static str]]) -> (Result<Answer, Error>, usize) {
    wait(async {
        let calls = Arc::new(AtomicUsize::new(0));
        let port = listener(Arc::clone(&calls)).await;
        let client = client(&[&format!("{name}:{port}")], addresses);
        let url = Url::parse(&format!("http://{name}:{port}/")).unwrap();
        let answer = client.send(&[url], &message(), Instant::now() + PATIENCE).await;
        (answer, calls.load(Ordering::Relaxed))
    })
}

#[test]
fn localhost_is_reached_by_its_name() {
    let (answer, calls) = sent("localhost", &[&["10.0.0.1", "127.0.0.1"]]);
    assert_eq!((answer.unwrap().body.as_ref(), calls), (&b"{}"[..], 1));
}

#[test]
fn a_name_that_leads_to_this_machine_is_not_called() {
    const PRIVATE: [&[&[&str]]; 3] =
        [&[&["127.0.0.1"]], &[&["::ffff:127.0.0.1"]], &[&["127.0.0.1", "10.0.0.1", "fd00::1"]]];
    for addresses in PRIVATE {
        let (answer, calls) = sent("app.example.com", addresses);
        let error = answer.unwrap_err();
        assert_eq!((error.code, error.ec, calls), (Code::CallbackFailed, Some(UNANSWERED), 0));
        assert!(error.source.unwrap().to_string().contains("private addresses"));
    }
}

#[test]
fn an_address_that_was_named_is_not_looked_up() {
    let (answer, calls) = sent("127.0.0.1", &[&["1.1.1.1"]]);
    assert_eq!((answer.is_ok(), calls), (true, 1));
}

#[test]
fn private_addresses_are_refused_before_anything_is_stored() {
    let check = |host: &str, url: &str, addresses| wait(client(&[host], addresses).check(&[Url::parse(url).unwrap()]));
    let url = "http://app.example.com/";
    let error = check("app.example.com", url, &[&["192.168.1.1"]]).unwrap_err();
    assert_eq!((error.code, error.ec), (Code::InvalidArgument, None));
    assert!(
        error.message.starts_with("Private address is forbidden to callback")
            && error.message.contains("--callback-host")
    );
    assert_eq!(error.details[1], ("ArgumentValue", url.to_owned()));
    // One that can be reached suffices, and so do addresses that were named.
    assert!(check("app.example.com", url, &[&["192.168.1.1", "1.1.1.1"]]).is_ok());
    assert!(check("192.168.1.1", "http://192.168.1.1/", &[&[]]).is_ok());
    assert!(check("[fd00::1]:81", "http://[fd00::1]:81/", &[&[]]).is_ok());
    let error = check("app.example.com", "http://app.example.com:81/", &[&["1.1.1.1"]]).unwrap_err();
    assert!(error.message.contains("app.example.com:81") && error.message.contains("--callback-host"));
}

#[test]
fn what_a_name_led_to_before_does_not_count() {
    let addresses: &[&[&str]] = &[&["1.1.1.1"], &["127.0.0.1"]];
    wait(async {
        let calls = Arc::new(AtomicUsize::new(0));
        let port = listener(Arc::clone(&calls)).await;
        let client = client(&[&format!("app.example.com:{port}")], addresses);
        let urls = [Url::parse(&format!("http://app.example.com:{port}/")).unwrap()];
        client.check(&urls).await.unwrap();
        let error = client.send(&urls, &message(), Instant::now() + PATIENCE).await.unwrap_err();
        assert_eq!((error.code, calls.load(Ordering::Relaxed)), (Code::CallbackFailed, 0));
    });
}

#[test]
fn a_name_that_nobody_knows_is_a_failure_of_the_call() {
    let lookup: Lookup = Arc::new(|_| Box::pin(async { Err(io::Error::other("no such name")) }));
    let client = Client::with_lookup(vec![Host::parse("app.example.com").unwrap()], lookup);
    let urls = [Url::parse("http://app.example.com/?secret").unwrap()];
    wait(async {
        client.check(&urls).await.unwrap();
        let error = client.send(&urls, &message(), Instant::now() + PATIENCE).await.unwrap_err();
        let source = error.source.unwrap().to_string();
        assert!(source.contains("no such name") && !source.contains("secret"), "{source}");
        let late = client.send(&urls, &message(), Instant::now()).await.unwrap_err();
        assert_eq!((late.code, late.source.is_none()), (Code::CallbackFailed, true));
    });
}
