package coordinator

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/artifacts-tui/artifacts-tui/internal/bytesize"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// DefaultListen is where a coordinator listens unless told otherwise (SPEC B1).
const DefaultListen = "127.0.0.1:8080"

// Config is coordinator.yaml (SPEC B21).
type Config struct {
	S3     S3Config `yaml:"s3"`
	Listen Listen   `yaml:"listen"`
}

// S3Config is the store's part of Config.
type S3Config struct {
	DataDir string `yaml:"data_dir"` // absolute, or relative to the file's folder
	MaxSize Size   `yaml:"max_size"` // bytes for all buckets together; 0: unlimited
	// Hosts are names of this coordinator under which buckets have names of their own:
	// bucket.HOST is the bucket. The path stays /s3.
	Hosts []string `yaml:"hosts"`
}

// Listen is an address with a port, or an interface by name with one.
type Listen struct {
	Address   string `yaml:"-"` // host:port
	Interface string `yaml:"interface"`
	Port      int    `yaml:"port"`
}

// UnmarshalYAML accepts "host:port" and {interface, port}.
func (l *Listen) UnmarshalYAML(unmarshal func(any) error) error {
	var address string
	if err := unmarshal(&address); err == nil {
		l.Address = address
		return nil
	}
	var named struct {
		Interface string `yaml:"interface"`
		Port      int    `yaml:"port"`
	}
	if err := unmarshal(&named); err != nil {
		return err
	}
	l.Interface, l.Port = named.Interface, named.Port
	return nil
}

// Resolve returns the host:port to bind. It refuses, with fault.Usage, every
// address and every public one unless insecure is set (SPEC B2, B3).
func (l Listen) Resolve(insecure bool) (string, error) {
	address := l.Address
	if l.Interface != "" {
		ip, err := interfaceAddress(l.Interface)
		if err != nil {
			return "", err
		}
		port := l.Port
		if port == 0 {
			port = 8080
		}
		address = net.JoinHostPort(ip.String(), strconv.Itoa(port))
	}
	if address == "" {
		address = DefaultListen
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", fault.Wrap(fault.Usage, err, "write it as 127.0.0.1:8080", "listen address %q", address)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return "", fault.New(fault.Usage, "a port is a number from 0 to 65535", "listen address %q has no valid port", address)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	ip := net.ParseIP(host)
	if ip == nil {
		return "", fault.New(fault.Usage, "give the mesh address itself, or {interface: NAME, port: N}", "listen address %q is not an IP address", address)
	}
	if !insecure && (ip.IsUnspecified() || !meshOnly(ip)) {
		return "", fault.New(fault.Usage, "bind the mesh address, or pass --insecure-bind if it must be reachable from everywhere",
			"refusing to listen on %s: the store is for the mesh alone", address)
	}
	return net.JoinHostPort(host, port), nil
}

// carrierNAT is 100.64.0.0/10 (RFC 6598), where mesh networks such as Tailscale live.
var carrierNAT = net.IPNet{IP: net.IPv4(100, 64, 0, 0), Mask: net.CIDRMask(10, 32)}

func meshOnly(ip net.IP) bool {
	return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || carrierNAT.Contains(ip)
}

func interfaceAddress(name string) (net.IP, error) {
	iface, err := net.InterfaceByName(name)
	if err != nil {
		return nil, fault.Wrap(fault.Usage, err, "`ip address` lists the interfaces", "listen interface %q", name)
	}
	addresses, err := iface.Addrs()
	if err != nil {
		return nil, err
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil {
			return n.IP, nil
		}
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLinkLocalUnicast() {
			return n.IP, nil
		}
	}
	return nil, fault.New(fault.Usage, "bring the mesh up first", "interface %q has no address", name)
}

// LoadConfig reads a coordinator.yaml. An unknown key is an error with its line.
func LoadConfig(path string) (Config, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return Config{}, fault.New(fault.Usage, "give the path of a coordinator.yaml", "%s does not exist", path)
	}
	if err != nil {
		return Config{}, err
	}
	var c Config
	if err := yaml.UnmarshalWithOptions(text, &c, yaml.Strict()); err != nil {
		return Config{}, fault.New(fault.Usage, "the keys are s3.data_dir, s3.max_size, s3.hosts and listen",
			"%s: %s", path, strings.TrimSpace(strings.ReplaceAll(yaml.FormatError(err, false, false), "\n", " ")))
	}
	if c.S3.DataDir == "" {
		return Config{}, fault.New(fault.Usage, "add `s3: {data_dir: /var/lib/artifacts/s3}`", "%s has no s3.data_dir", path)
	}
	for _, host := range c.S3.Hosts {
		if host == "" || strings.ContainsAny(host, "/:*_ ") {
			return Config{}, fault.New(fault.Usage, "write it as coordinator.mesh, without a port or a path", "%s: s3.hosts has %q, which is no host name", path, host)
		}
	}
	if !filepath.IsAbs(c.S3.DataDir) {
		base, err := filepath.Abs(filepath.Dir(path))
		if err != nil {
			return Config{}, err
		}
		c.S3.DataDir = filepath.Join(base, c.S3.DataDir)
	}
	return c, nil
}

// Size is a number of bytes, written as 10GB, 512MiB or 1048576.
type Size int64

// UnmarshalYAML reads what bytesize.Parse reads.
func (s *Size) UnmarshalYAML(unmarshal func(any) error) error {
	var text string
	if err := unmarshal(&text); err != nil {
		return err
	}
	n, err := bytesize.Parse(text)
	*s = Size(n)
	return err
}

// String is the exact number of bytes.
func (s Size) String() string { return fmt.Sprintf("%d", int64(s)) }
