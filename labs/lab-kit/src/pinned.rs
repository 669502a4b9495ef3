//! The only unsafe code: what the process gets from the system, pinned for simulated mode.
//!
//! A simulated run must depend on its seed and on nothing else. What kube, tokio, std and an operator's own code
//! draw from the system reaches it through a handful of C functions. This module defines functions of the same
//! names; the linker prefers a program's own definition to the one in the C library. In live mode, and on threads
//! that have nothing to do with the simulation, they do what the C library's do.
//!
//! | pinned | function | who asks |
//! |---|---|---|
//! | random bytes | `getrandom`, `getentropy`, on macOS `CCRandomGenerateBytes` | std's hash maps, tokio's `select!`, every random generator, generated passwords |
//! | wall clock | `clock_gettime(CLOCK_REALTIME)` | timestamps in objects, names of events |
//! | monotonic clock | `clock_gettime(CLOCK_MONOTONIC)` and its relatives | `std::time::Instant` |
//! | host name | `gethostname` | kube's `Recorder` |
//!
//! `ahash` (kube's reflector store) and `fastrand` (kube's jitter) mix addresses into their seeds and so are
//! seeded by hand. Not pinned: the process id, threads' order, and whatever asks the kernel without the C library.
//!
//! On the simulation's thread both clocks show virtual time, and the wall clock moves on by
//! [`NANOSECONDS_PER_READING`] with each reading, so that two readings within one virtual millisecond differ
//! (kube's `Recorder` names events by the nanosecond).

#![allow(unsafe_code)]

use libc::{c_char, c_int, c_void, clockid_t, size_t, timespec};
use std::cell::Cell;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use tokio::time::Instant;

/// How far the wall clock moves from one reading to the next within one virtual millisecond, and no further than
/// into the next millisecond.
const NANOSECONDS_PER_READING: i64 = 100;

const NANOSECONDS_PER_MILLISECOND: i64 = 1_000_000;

/// Whether this process is simulated. Nothing is pinned before that is known.
static SIMULATED: AtomicBool = AtomicBool::new(false);
/// Random streams of threads other than the simulation's begin here.
static THREAD_SEED: AtomicU64 = AtomicU64::new(0);
/// What the wall clock shows on threads other than the simulation's.
static WALL_NS: AtomicI64 = AtomicI64::new(0);
static HOST_NAME: OnceLock<String> = OnceLock::new();

// No destructors and no lazy initialisation: these are read wherever the C functions may be called.
thread_local! {
    static RANDOM: Cell<Option<u64>> = const { Cell::new(None) };
    static CLOCK: Cell<Option<Clock>> = const { Cell::new(None) };
    static READINGS: Cell<(i64, i64)> = const { Cell::new((0, 0)) };
    static READING: Cell<bool> = const { Cell::new(false) };
}

/// How virtual time shows on the system's clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// The runtime's paused clock at `wall_ns`.
    pub(crate) start: Instant,
    /// The wall clock at `start`, in nanoseconds since 1970.
    pub(crate) wall_ns: i64,
}

impl Clock {
    fn elapsed_ns(&self) -> i64 {
        i64::try_from(self.start.elapsed().as_nanos()).unwrap_or(i64::MAX / 2)
    }
}

/// Pins random numbers on the calling thread, which becomes the simulation's, and the host name for the process.
///
/// To be called first thing on a fresh thread: std seeds its hash maps once per thread.
pub(crate) fn pin_random(seed: u64, host_name: &str) {
    HOST_NAME.get_or_init(|| host_name.to_owned());
    THREAD_SEED.store(seed, Relaxed);
    RANDOM.set(Some(seed));
    SIMULATED.store(true, Relaxed);
    // A refusal means that the seed was drawn before, which nothing in this process does.
    let _ = ahash::random_state::set_random_source(HasherSeeds { seed, count: AtomicU64::new(0) });
    let _ = ahash::RandomState::new();
    fastrand::seed(seed);
}

/// Pins the clocks on the calling thread, within the context of the runtime whose clock it is.
pub(crate) fn pin_clock(clock: Clock) {
    WALL_NS.store(clock.wall_ns, Relaxed);
    CLOCK.set(Some(clock));
}

/// Tells other threads what time it is.
pub(crate) fn publish_wall_clock() {
    if let Some(clock) = CLOCK.get() {
        WALL_NS.store(clock.wall_ns + clock.elapsed_ns(), Relaxed);
    }
}

/// Takes standard input's file away from whoever might read it, and gives it to the caller.
pub(crate) fn take_stdin() -> std::io::Result<OwnedFd> {
    let stdin = std::io::stdin();
    let taken = stdin.as_fd().try_clone_to_owned()?;
    let nothing = File::open("/dev/null")?;
    // SAFETY: both descriptors are open, and dup2 replaces descriptor 0 in one step.
    match unsafe { libc::dup2(nothing.as_raw_fd(), stdin.as_raw_fd()) } {
        -1 => Err(std::io::Error::last_os_error()),
        _ => Ok(taken),
    }
}

/// Lets the kernel kill this process when its parent ends, so that a killed grader leaves nothing behind.
pub(crate) fn die_with_parent() {
    #[cfg(target_os = "linux")]
    // SAFETY: this option takes a signal number and touches no memory.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
    }
}

/// Hash seeds that differ from map to map, as ahash's own do.
struct HasherSeeds {
    seed: u64,
    count: AtomicU64,
}

impl ahash::random_state::RandomSource for HasherSeeds {
    fn gen_hasher_seed(&self) -> usize {
        let count = self.count.fetch_add(1, Relaxed);
        mix(self.seed.wrapping_add(count)) as usize
    }
}

/// SplitMix64's output function.
fn mix(state: u64) -> u64 {
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// Fills a buffer from the calling thread's stream. False: this process is not simulated.
///
/// # Safety
/// `length` bytes at `buffer` are the caller's to write.
unsafe fn fill(buffer: *mut c_void, length: size_t) -> bool {
    if !SIMULATED.load(Relaxed) {
        return false;
    }
    let mut state = RANDOM.get().unwrap_or_else(|| mix(THREAD_SEED.fetch_add(1, Relaxed)));
    for index in 0..length {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        // SAFETY: within the caller's buffer.
        unsafe { buffer.cast::<u8>().add(index).write((mix(state) >> 56) as u8) };
    }
    RANDOM.set(Some(state));
    true
}

/// Virtual time on a clock of the system, in nanoseconds. `None`: the real one shall answer.
fn virtual_ns(id: clockid_t) -> Option<i64> {
    if !SIMULATED.load(Relaxed) {
        return None;
    }
    let Some(clock) = CLOCK.get() else {
        return is_wall(id).then(|| WALL_NS.load(Relaxed)).filter(|ns| *ns != 0);
    };
    // Reading the runtime's clock may read the system's clock.
    if READING.replace(true) {
        return None;
    }
    let elapsed = clock.elapsed_ns();
    READING.set(false);
    if is_wall(id) {
        let (last, count) = READINGS.get();
        let count = if last == elapsed { count + 1 } else { 0 };
        READINGS.set((elapsed, count));
        let within = (count * NANOSECONDS_PER_READING).min(NANOSECONDS_PER_MILLISECOND - 1);
        return Some(clock.wall_ns + elapsed + within);
    }
    // Any start will do, as long as it is the same for all readings: a process that is up for a day.
    is_monotonic(id).then_some(86_400 * 1000 * NANOSECONDS_PER_MILLISECOND + elapsed)
}

#[cfg(target_os = "linux")]
fn is_wall(id: clockid_t) -> bool {
    matches!(id, libc::CLOCK_REALTIME | libc::CLOCK_REALTIME_COARSE)
}

#[cfg(target_os = "linux")]
fn is_monotonic(id: clockid_t) -> bool {
    matches!(
        id,
        libc::CLOCK_MONOTONIC
            | libc::CLOCK_MONOTONIC_COARSE
            | libc::CLOCK_MONOTONIC_RAW
            | libc::CLOCK_BOOTTIME
    )
}

#[cfg(target_os = "macos")]
fn is_wall(id: clockid_t) -> bool {
    id == libc::CLOCK_REALTIME
}

#[cfg(target_os = "macos")]
fn is_monotonic(id: clockid_t) -> bool {
    matches!(id, libc::CLOCK_MONOTONIC | libc::CLOCK_MONOTONIC_RAW | libc::CLOCK_UPTIME_RAW)
}

/// The C library's function of this name: the next one after ours.
#[cfg(target_os = "macos")]
macro_rules! next {
    ($name:literal, $kind:ty) => {{
        // SAFETY: the name is a C string, and the C library defines it with this signature.
        unsafe {
            let found = libc::dlsym(libc::RTLD_NEXT, $name.as_ptr());
            std::mem::transmute::<*mut c_void, $kind>(found)
        }
    }};
}

/// # Safety
/// As clock_gettime(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(id: clockid_t, time: *mut timespec) -> c_int {
    let Some(ns) = virtual_ns(id) else {
        #[cfg(target_os = "linux")]
        // SAFETY: the caller's contract is the system call's.
        return unsafe { libc::syscall(libc::SYS_clock_gettime, libc::c_long::from(id), time) as c_int };
        #[cfg(target_os = "macos")]
        // SAFETY: the caller's contract is the next function's.
        return unsafe {
            next!(c"clock_gettime", unsafe extern "C" fn(clockid_t, *mut timespec) -> c_int)(id, time)
        };
    };
    // SAFETY: the caller gives a timespec to write.
    unsafe {
        (*time).tv_sec = ns / 1_000_000_000;
        (*time).tv_nsec = ns % 1_000_000_000;
    }
    0
}

/// # Safety
/// As getrandom(2).
#[cfg(target_os = "linux")]
#[unsafe(no_mangle)]
unsafe extern "C" fn getrandom(buffer: *mut c_void, length: size_t, flags: libc::c_uint) -> libc::ssize_t {
    // SAFETY: the caller's contract is that of both.
    unsafe {
        if fill(buffer, length) {
            return length as libc::ssize_t;
        }
        libc::syscall(libc::SYS_getrandom, buffer, length, flags) as libc::ssize_t
    }
}

/// # Safety
/// As getentropy(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn getentropy(buffer: *mut c_void, length: size_t) -> c_int {
    // SAFETY: the caller's contract is that of all of them.
    unsafe {
        if fill(buffer, length) {
            return 0;
        }
        #[cfg(target_os = "linux")]
        {
            let filled = libc::syscall(libc::SYS_getrandom, buffer, length, 0 as libc::c_uint);
            if usize::try_from(filled) == Ok(length) { 0 } else { -1 }
        }
        #[cfg(target_os = "macos")]
        next!(c"getentropy", unsafe extern "C" fn(*mut c_void, size_t) -> c_int)(buffer, length)
    }
}

/// # Safety
/// As CCRandomGenerateBytes.
#[cfg(target_os = "macos")]
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "the system's name")]
unsafe extern "C" fn CCRandomGenerateBytes(buffer: *mut c_void, length: size_t) -> i32 {
    // SAFETY: the caller's contract is that of both.
    unsafe {
        if fill(buffer, length) {
            return 0;
        }
        next!(c"CCRandomGenerateBytes", unsafe extern "C" fn(*mut c_void, size_t) -> i32)(buffer, length)
    }
}

/// # Safety
/// As gethostname(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn gethostname(buffer: *mut c_char, length: size_t) -> c_int {
    let pinned = HOST_NAME.get().filter(|_| SIMULATED.load(Relaxed));
    let Some(name) = pinned else {
        #[cfg(target_os = "linux")]
        // SAFETY: `names` is a buffer for uname; what it holds then is a C string.
        unsafe {
            let mut names = std::mem::zeroed::<libc::utsname>();
            if libc::uname(&mut names) != 0 {
                return -1;
            }
            let found =
                std::slice::from_raw_parts(names.nodename.as_ptr().cast::<u8>(), names.nodename.len());
            let end = found.iter().position(|byte| *byte == 0).unwrap_or(found.len());
            return copy_name(&found[..end], buffer, length);
        }
        #[cfg(target_os = "macos")]
        // SAFETY: the caller's contract is the next function's.
        return unsafe {
            next!(c"gethostname", unsafe extern "C" fn(*mut c_char, size_t) -> c_int)(buffer, length)
        };
    };
    // SAFETY: the caller's contract.
    unsafe { copy_name(name.as_bytes(), buffer, length) }
}

/// Writes a C string, cut to its place.
///
/// # Safety
/// `length` bytes at `buffer` are the caller's to write.
unsafe fn copy_name(name: &[u8], buffer: *mut c_char, length: size_t) -> c_int {
    let Some(room) = length.checked_sub(1) else { return -1 };
    let count = name.len().min(room);
    // SAFETY: `count + 1` is at most `length`.
    unsafe {
        std::ptr::copy_nonoverlapping(name.as_ptr(), buffer.cast::<u8>(), count);
        buffer.add(count).write(0);
    }
    0
}
