//! A bad line between a client and a server: slow, far away, and broken off when it should be.
//!
//! Bytes are counted and cut by number, never by the clock, so that a story gives the same cuts
//! every time. Only a line that was given a speed or a round trip waits for anything; the benchmark
//! alone has one that breaks by the clock.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What a line is like. The default one is perfect and only counts.
#[derive(Debug, Clone, Default)]
pub struct Line {
    /// Bytes a second in each direction; as fast as the machine where absent.
    pub bytes_per_second: Option<u64>,
    /// Way there and back, milliseconds. A new connection costs one more.
    pub round_trip_ms: u64,
    /// When it breaks.
    pub cuts: Cuts,
}

/// When a line breaks. Bytes count in both directions together, over all connections.
#[derive(Debug, Clone, Default)]
pub enum Cuts {
    /// Never.
    #[default]
    Never,
    /// After each of these numbers of bytes, rising.
    At(Vec<u64>),
    /// Each time so many more bytes have passed.
    Every(u64),
    /// At the first byte of every so-manieth answer: the server has done the work, nobody hears.
    Answers(u64),
    /// By the clock, each time so much later: for measurements, never for stories.
    Clock(Duration),
}

/// A line in use.
#[derive(Debug)]
pub struct Laid {
    /// `http://host:port` of the client's end.
    pub base: String,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    line: Line,
    up: u64,
    down: u64,
    answers: u64,
    /// Something went up since the last byte of an answer.
    asked: bool,
    cuts: u64,
    /// Sockets of every open connection, to be broken together.
    open: BTreeMap<u64, [TcpStream; 2]>,
    /// When the line is free again, up and down.
    free: BTreeMap<bool, Instant>,
}

/// Bytes on their way.
struct Piece {
    arrives: Option<Instant>,
    bytes: Vec<u8>,
    /// The line breaks behind them.
    cut: bool,
}

impl Line {
    /// Lays a line from a free port of this machine to a server.
    pub fn to(self, server: SocketAddr) -> Laid {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let clock = if let Cuts::Clock(period) = self.cuts { Some(period) } else { None };
        let state = Arc::new(Mutex::new(State { line: self, ..State::default() }));
        if let Some(period) = clock {
            let state = Arc::downgrade(&state);
            std::thread::spawn(move || {
                loop {
                    std::thread::sleep(period);
                    let Some(state) = state.upgrade() else { return };
                    lock(&state).cut();
                }
            });
        }
        let laid = Laid { base: format!("http://{address}"), state: Arc::clone(&state) };
        std::thread::spawn(move || {
            for (client, number) in listener.incoming().flatten().zip(0..) {
                if let Ok(server) = TcpStream::connect(server) {
                    connect(&state, number, client, server);
                }
            }
        });
        laid
    }
}

impl Laid {
    /// Bytes that went up, heads and all, whether they arrived or not.
    pub fn up(&self) -> u64 {
        lock(&self.state).up
    }

    /// Bytes that came down.
    pub fn down(&self) -> u64 {
        lock(&self.state).down
    }

    /// How often it broke.
    pub fn cuts(&self) -> u64 {
        lock(&self.state).cuts
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn connect(state: &Arc<Mutex<State>>, number: u64, client: TcpStream, server: TcpStream) {
    let ends = (client.try_clone(), server.try_clone());
    let (Ok(client_too), Ok(server_too)) = ends else { return };
    let _unset = (client.set_nodelay(true), server.set_nodelay(true));
    lock(state).open.insert(number, [client_too, server_too]);
    // The first bytes follow a greeting there and back.
    let greeting = Duration::from_millis(lock(state).line.round_trip_ms);
    let since = Instant::now() + greeting;
    carry(state, (number, true), since, &client, &server);
    carry(state, (number, false), since, &server, &client);
}

/// Carries bytes one way: one thread takes them in, the other lets them out when they arrive.
fn carry(
    state: &Arc<Mutex<State>>,
    (number, up): (u64, bool),
    since: Instant,
    from: &TcpStream,
    to: &TcpStream,
) {
    let (Ok(mut from), Ok(mut to)) = (from.try_clone(), to.try_clone()) else { return };
    let (into, out): (Sender<Piece>, Receiver<Piece>) = channel();
    let (reading, writing) = (Arc::clone(state), Arc::clone(state));
    std::thread::spawn(move || {
        let mut buffer = [0; 1024];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            let piece = lock(&reading).enter(up, since, &buffer[..read]);
            let cut = piece.cut;
            if into.send(piece).is_err() || cut {
                return;
            }
        }
    });
    std::thread::spawn(move || {
        while let Ok(piece) = out.recv() {
            if let Some(arrives) = piece.arrives {
                std::thread::sleep(arrives.saturating_duration_since(Instant::now()));
            }
            let gone = to.write_all(&piece.bytes).is_err();
            if piece.cut {
                lock(&writing).cut();
            }
            if gone || piece.cut {
                break;
            }
        }
        // One end said that nothing more comes: the other hears it.
        let _gone = to.shutdown(Shutdown::Write);
        if !up {
            lock(&writing).open.remove(&number);
        }
    });
}

impl State {
    /// Takes bytes in at one end: says when they arrive, how many do, and whether the line breaks.
    fn enter(&mut self, up: bool, since: Instant, bytes: &[u8]) -> Piece {
        let first_of_answer = !up && std::mem::replace(&mut self.asked, false);
        self.asked |= up;
        self.answers += u64::from(first_of_answer);
        let before = self.up + self.down;
        let length = u64::try_from(bytes.len()).expect("a length");
        let next = match &self.line.cuts {
            Cuts::Never | Cuts::Answers(_) | Cuts::Clock(_) => None,
            Cuts::At(at) => at.iter().copied().find(|at| *at > before),
            Cuts::Every(every) => Some((before / every + 1) * every),
        };
        let swallowed = match &self.line.cuts {
            Cuts::Answers(every) => first_of_answer && self.answers.is_multiple_of(*every),
            _ => false,
        };
        let cut = swallowed || next.is_some_and(|next| before + length >= next);
        let passed = match next {
            _ if swallowed => 0,
            Some(next) if cut => next - before,
            _ => length,
        };
        if up {
            self.up += passed;
        } else {
            self.down += passed;
        }
        let count = usize::try_from(passed).expect("a length");
        Piece { arrives: self.arrives(up, since, passed), bytes: bytes[..count].to_vec(), cut }
    }

    fn arrives(&mut self, up: bool, since: Instant, bytes: u64) -> Option<Instant> {
        let one_way = Duration::from_millis(self.line.round_trip_ms / 2);
        let takes = match self.line.bytes_per_second {
            None if one_way.is_zero() => return None,
            None => Duration::ZERO,
            Some(rate) => Duration::from_micros(bytes * 1_000_000 / rate.max(1)),
        };
        let free = self.free.get(&up).copied().unwrap_or(since).max(since).max(Instant::now());
        self.free.insert(up, free + takes);
        Some(free + takes + one_way)
    }

    fn cut(&mut self) {
        self.cuts += 1;
        // What was on its way is gone and keeps nobody waiting.
        self.free.clear();
        for (_, ends) in std::mem::take(&mut self.open) {
            for end in ends {
                let _gone = end.shutdown(Shutdown::Both);
            }
        }
    }
}
