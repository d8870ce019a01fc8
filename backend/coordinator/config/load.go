package config

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"syscall"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// maxFile bounds a coordinator.yaml, in bytes.
const maxFile = 64 << 10

// Effective is a configuration and where its values come from.
type Effective struct {
	Config Config
	File   string          // that was read; empty: none
	lines  map[string]int  // of the keys that the file gives
	flags  map[string]bool // keys that a flag decided
}

// Load reads a coordinator.yaml over the defaults. Its error is one line, FILE:LINE first.
func Load(path string) (Effective, error) {
	text, err := readFile(path)
	if err != nil {
		return Effective{}, err
	}
	e := Effective{Config: Default(), File: path, lines: map[string]int{}}
	d := decoder{file: path, lines: e.lines}
	if err := d.decode(text, &e.Config); err != nil {
		return Effective{}, err
	}
	if err := e.check(); err != nil {
		return Effective{}, err
	}
	base, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return Effective{}, err
	}
	absolute(base, e.Config.paths())
	return e, nil
}

func readFile(path string) ([]byte, error) {
	// Without O_NONBLOCK a FIFO that nobody writes to is waited for, and no signal ends that.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fault.New(fault.Usage, "give the path of a coordinator.yaml; "+seeExample, "%s does not exist", path)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Usage, err, "make it readable for this user", "cannot read the configuration")
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fault.Wrap(fault.Usage, err, "give the path of a coordinator.yaml", "cannot read the configuration")
	}
	if len(text) > maxFile {
		return nil, fault.New(fault.Usage, "give the path of a coordinator.yaml", "%s is larger than 64 KiB, which no coordinator.yaml is", path)
	}
	return text, nil
}

// hostName is a name of DNS: labels of letters, digits and hyphens. A bucket's name goes before it.
var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$`)

// maxHost leaves room for a bucket's name in the 253 bytes of a host name.
const maxHost = 253 - 64

// check refuses what each key alone would allow.
func (e Effective) check() error {
	c := e.Config
	if c.S3.DataDir == "" {
		return e.at("s3.data_dir", "add `s3: {data_dir: /var/lib/artifacts/s3}`", "the file has no s3.data_dir")
	}
	for _, host := range c.S3.Hosts {
		if len(host) > maxHost || !hostName.MatchString(host) {
			return e.at("s3.hosts", "write it as coordinator.mesh, without a port or a path", "s3.hosts has %q, which is no host name", host)
		}
	}
	if err := e.checkStorage(); err != nil {
		return err
	}
	if err := c.Listen.check(); err != nil {
		return e.Of("listen", err)
	}
	switch t := c.TLS; {
	case t.SelfSigned && (t.Cert != "" || t.Key != ""):
		return e.at("tls.self_signed", "keep either self_signed or the two files", "tls has files and self_signed")
	case t.Cert != "" && t.Key == "":
		return e.at("tls.cert", "add `key: FILE` with its private key", "tls.cert is given, but tls.key is not")
	case t.Key != "" && t.Cert == "":
		return e.at("tls.key", "add `cert: FILE` with its certificate", "tls.key is given, but tls.cert is not")
	}
	if c.Audit.MaxSize == 0 {
		return e.at("audit.max_size", "write it as 100MB, or turn it off with `audit: {enabled: false}`", "audit.max_size is 0")
	}
	if c.Audit.Keep < 1 || c.Audit.Keep > 1000 {
		return e.at("audit.keep", "1 keeps one full file beside the current one", "audit.keep is %d, and not 1 to 1000", c.Audit.Keep)
	}
	if c.Metrics.Listen == (Listen{}) {
		return nil
	}
	if c.Metrics.Listen.Address == "" && c.Metrics.Listen.Port == 0 {
		return e.at("metrics.listen", "write it as {interface: NAME, port: 9090}", "metrics.listen has no port")
	}
	if err := c.Metrics.Listen.check(); err != nil {
		return e.Of("metrics.listen", err)
	}
	return nil
}

// at is an error about a key, on its line.
func (e Effective) at(key, hint, format string, args ...any) error {
	d := decoder{file: e.File}
	return d.fail(max(e.lines[key], 1), hint, format, args...)
}

// Of puts the key, and its line where the file gives it, before an error.
func (e Effective) Of(key string, err error) error {
	if err == nil || e.lines[key] == 0 || e.flags[key] {
		return err
	}
	f := fault.As(err)
	return e.at(key, f.Hint, "%s: %s", key, f)
}

// Listening is where the coordinator will listen, as Listen.Resolve tells it, and where
// Prometheus will ask; that is empty where it is the admin socket alone.
func (e Effective) Listening(insecure bool) (address, metrics string, err error) {
	if address, err = e.Config.Listen.Resolve(insecure); err != nil {
		return "", "", e.Of("listen", err)
	}
	if e.Config.Metrics.Listen != (Listen{}) {
		if metrics, err = e.Config.Metrics.Listen.Resolve(insecure); err != nil {
			return "", "", e.Of("metrics.listen", err)
		}
	}
	return address, metrics, nil
}
