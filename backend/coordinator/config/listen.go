package config

import (
	"net"
	"net/netip"
	"strconv"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// defaultPort is that of an interface without one.
const defaultPort = 8080

// Listen is an address with a port, or an interface by name with one (0: 8080). Its zero
// value is DefaultListen.
type Listen struct {
	Address   string `yaml:"-"` // host:port
	Interface string `yaml:"interface"`
	Port      int    `yaml:"port"`
}

// check refuses what could be nowhere, without looking at this machine's interfaces.
func (l Listen) check() error {
	if l.Address != "" {
		_, err := parseAddress(l.Address)
		return err
	}
	if l.Interface == "" {
		return fault.New(fault.Usage, "write it as 127.0.0.1:8080 or {interface: NAME, port: 8080}", "there is no address and no interface")
	}
	if l.Port < 0 || l.Port > 65535 {
		return fault.New(fault.Usage, "a port is a number from 0 to 65535", "%d is no valid port", l.Port)
	}
	return nil
}

// Resolve returns the host:port to bind. It refuses, with fault.Usage, every
// address and every public one unless insecure is set (SPEC B2, B3).
func (l Listen) Resolve(insecure bool) (string, error) {
	if l == (Listen{}) {
		l.Address = DefaultListen
	}
	if err := l.check(); err != nil {
		return "", err
	}
	address, of := netip.AddrPort{}, ""
	if l.Address != "" {
		address, _ = parseAddress(l.Address)
	} else {
		ip, err := interfaceAddress(l.Interface)
		if err != nil {
			return "", err
		}
		port := l.Port
		if port == 0 {
			port = defaultPort
		}
		address, of = netip.AddrPortFrom(ip, uint16(port)), ", the address of "+l.Interface
	}
	if !insecure && !meshOnly(address.Addr()) {
		return "", fault.New(fault.Usage, "bind the mesh address, or pass --insecure-bind if it must be reachable from everywhere",
			"refusing to listen on %s%s: the store is for the mesh alone", address, of)
	}
	return address.String(), nil
}

// parseAddress reads host:port. An IPv4 address in IPv6's clothes is the IPv4 address.
func parseAddress(text string) (a netip.AddrPort, err error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return a, fault.New(fault.Usage, "write it as 127.0.0.1:8080 or [fd00::1]:8080", "listen address %q is not host:port", text)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return a, fault.New(fault.Usage, "a port is a number from 0 to 65535", "listen address %q has no valid port", text)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return a, fault.New(fault.Usage, "give the mesh address itself, or {interface: NAME, port: N}", "listen address %q is not an IP address", text)
	}
	if ip = ip.Unmap(); ip.Is6() && ip.IsLinkLocalUnicast() && ip.Zone() == "" {
		return a, fault.New(fault.Usage, "write it as ["+ip.String()+"%INTERFACE]:"+port, "listen address %q is on every interface; it needs one", text)
	}
	return netip.AddrPortFrom(ip, uint16(n)), nil
}

// carrierNAT is RFC 6598's range, where mesh networks such as Tailscale live.
var carrierNAT = netip.MustParsePrefix("100.64.0.0/10")

// meshOnly: loopback, RFC 1918, fc00::/7, link-local and carrierNAT. All else is public,
// the ranges for documentation too.
func meshOnly(ip netip.Addr) bool {
	return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || carrierNAT.Contains(ip)
}

// interfaceAddress is the interface's first IPv4 address, else its first IPv6 one that is
// not link-local, else that with the interface as its zone.
func interfaceAddress(name string) (netip.Addr, error) {
	iface, err := net.InterfaceByName(name)
	if err != nil {
		return netip.Addr{}, fault.New(fault.Usage, "`ip address` lists the interfaces", "this machine has no interface %q", name)
	}
	addresses, err := iface.Addrs()
	if err != nil {
		return netip.Addr{}, fault.Wrap(fault.Failure, err, "`ip address` lists the interfaces", "interface %q", name)
	}
	var best netip.Addr
	rank := func(ip netip.Addr) int {
		switch {
		case ip.Is4():
			return 3
		case ip.IsValid() && !ip.IsLinkLocalUnicast():
			return 2
		case ip.IsValid():
			return 1
		}
		return 0
	}
	for _, a := range addresses {
		n, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		ip, _ := netip.AddrFromSlice(n.IP)
		if ip = ip.Unmap(); ip.Is6() && ip.IsLinkLocalUnicast() {
			ip = ip.WithZone(name)
		}
		if rank(ip) > rank(best) {
			best = ip
		}
	}
	if !best.IsValid() {
		return best, fault.New(fault.Usage, "bring the mesh up first", "interface %q has no address", name)
	}
	return best, nil
}
