//! The name service of the C library: names as bytes, which std would refuse. May block for long.

use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;

use socket2::{SockAddr, SockAddrStorage};

/// What getaddrinfo(3) or getnameinfo(3) refused with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// `EAI_*`, negative in glibc.
    pub code: i32,
    /// The errno behind `EAI_SYSTEM`, else 0.
    pub errno: i32,
}

impl Refusal {
    fn new(code: i32) -> Self {
        let errno = if code == libc::EAI_SYSTEM {
            io::Error::last_os_error().raw_os_error().unwrap_or(0)
        } else {
            0
        };
        Self { code, errno }
    }
}

/// Result list of getaddrinfo(3), freed on drop.
struct List(*mut libc::addrinfo);

impl Drop for List {
    fn drop(&mut self) {
        // SAFETY: getaddrinfo(3) made the list, it succeeded, and only this value frees it.
        unsafe { libc::freeaddrinfo(self.0) };
    }
}

/// The addresses of a name in the order of RFC 6724, at most `limit`, and its canonical name.
///
/// `family` is AF_UNSPEC, AF_INET or AF_INET6. Ports are 0.
pub fn addresses(
    name: &CStr,
    family: i32,
    limit: usize,
) -> Result<(Vec<SocketAddr>, Option<Vec<u8>>), Refusal> {
    // SAFETY: all fields of addrinfo may be zero: numbers and null pointers.
    let mut hints: libc::addrinfo = unsafe { MaybeUninit::zeroed().assume_init() };
    hints.ai_family = family;
    hints.ai_flags = libc::AI_CANONNAME;
    // One kind of socket, or every address comes three times.
    hints.ai_socktype = libc::SOCK_DGRAM;
    let mut first = std::ptr::null_mut();
    // SAFETY: the name ends with NUL, the service may be null, and `hints` and `first` live for
    // the call.
    let code = unsafe {
        libc::getaddrinfo(
            name.as_ptr(),
            std::ptr::null(),
            &raw const hints,
            &raw mut first,
        )
    };
    if code != 0 {
        return Err(Refusal::new(code));
    }
    let list = List(first);
    let mut found = Vec::new();
    let mut canonical = None;
    let mut next = list.0;
    while !next.is_null() && found.len() < limit {
        // SAFETY: not null, and part of the list that `list` keeps alive.
        let info = unsafe { &*next };
        if !info.ai_canonname.is_null() && canonical.is_none() {
            // SAFETY: getaddrinfo(3) gives a string that ends with NUL and lives with the list.
            let text = unsafe { CStr::from_ptr(info.ai_canonname) };
            canonical = Some(text.to_bytes().to_owned());
        }
        found.extend(socket_address(info));
        next = info.ai_next;
    }
    Ok((found, canonical))
}

/// Copies the address of one list item.
fn socket_address(info: &libc::addrinfo) -> Option<SocketAddr> {
    let mut storage = SockAddrStorage::zeroed();
    let len = info.ai_addrlen;
    if info.ai_addr.is_null() || len as usize > size_of::<SockAddrStorage>() {
        return None;
    }
    // SAFETY: the library gives `len` readable bytes; they fit, as was just checked, and the two
    // do not overlap.
    unsafe {
        std::ptr::copy_nonoverlapping(
            info.ai_addr.cast::<u8>(),
            (&raw mut storage).cast::<u8>(),
            len as usize,
        );
    }
    // SAFETY: the storage begins with a whole address of `len` bytes, as getaddrinfo(3) made it.
    unsafe { SockAddr::new(storage, len) }.as_socket()
}

/// The name of an address, asked for in reverse; an address without one is refused (NI_NAMEREQD).
pub fn name_of(address: SocketAddr) -> Result<Vec<u8>, Refusal> {
    let address = SockAddr::from(address);
    // NI_MAXHOST of netdb.h.
    let mut host = [0_u8; 1025];
    // SAFETY: the address is whole and of the given length; `host` is writable for its length
    // (1025 fits any socklen_t), and no service is asked for.
    let code = unsafe {
        libc::getnameinfo(
            address.as_ptr().cast(),
            address.len(),
            host.as_mut_ptr().cast(),
            1025,
            std::ptr::null_mut(),
            0,
            libc::NI_NAMEREQD,
        )
    };
    if code != 0 {
        return Err(Refusal::new(code));
    }
    let name = CStr::from_bytes_until_nul(&host).map_err(|_| Refusal {
        code: libc::EAI_FAIL,
        errno: 0,
    })?;
    Ok(name.to_bytes().to_owned())
}
