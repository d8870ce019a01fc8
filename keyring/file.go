package keyring

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/artifacts-tui/artifacts-tui/internal/atomicfile"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// FileName is the credential cache's name in the config root (S1).
const FileName = "byo-credentials"

// fieldNames are the lines of the file, in order; `storage show` prints the same
// names (SPEC A12, A27).
const (
	fieldAccessKeyID     = "ACCESS_KEY_ID"
	fieldSecretAccessKey = "SECRET_ACCESS_KEY"
	fieldSessionToken    = "SESSION_TOKEN"
	fieldRegion          = "REGION"
)

// File is the 0600 file that caches one pair for all byo workspaces of a user.
// Path is absolute. Warn, where not nil, gets one line about what was mended.
type File struct {
	Path string
	Warn func(string)
}

// NewFile is the cache in the config root.
func NewFile(configRoot string, warn func(string)) File {
	return File{Path: filepath.Join(configRoot, FileName), Warn: warn}
}

// Load reads the file. Its errors: ErrNotFound where there is none; a
// fault.Error where it is a symlink, another user's, or damaged. A mode looser
// than 0600 is tightened with a warning (SPEC A10).
func (f File) Load() (Credentials, error) {
	fd, err := os.OpenFile(f.Path, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return Credentials{}, ErrNotFound
	case errors.Is(err, syscall.ELOOP):
		return Credentials{}, fault.New(fault.Auth, "replace the link with a file of your own",
			"%s is a symbolic link; refusing to read credentials through it", f.Path)
	case err != nil:
		return Credentials{}, err
	}
	defer fd.Close()
	info, err := fd.Stat()
	if err != nil {
		return Credentials{}, err
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; int(owner) != os.Geteuid() {
		return Credentials{}, fault.New(fault.Auth, "move it away, or run as its owner",
			"%s belongs to user %d; refusing to read credentials from it", f.Path, owner)
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		if err := fd.Chmod(0o600); err != nil {
			return Credentials{}, err
		}
		f.warn("mode of %s was %04o; tightened to 0600", f.Path, perm)
	}
	var buf bytes.Buffer
	if _, err := buf.ReadFrom(fd); err != nil {
		return Credentials{}, err
	}
	return f.parse(buf.String())
}

func (f File) parse(text string) (Credentials, error) {
	var c Credentials
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSuffix(line, "\r")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, found := strings.Cut(line, "=")
		switch {
		case found && name == fieldAccessKeyID:
			c.AccessKeyID = value
		case found && name == fieldSecretAccessKey:
			c.SecretAccessKey = NewSecret(value)
		case found && name == fieldSessionToken:
			c.SessionToken = NewSecret(value)
		case found && name == fieldRegion:
			c.Region = value
		default:
			// The line itself may hold a secret: name its number alone.
			return Credentials{}, fault.New(fault.Failure,
				"remove the file and create it anew, or mend that line: KEY=value",
				"%s is damaged: line %d is not one of ACCESS_KEY_ID, SECRET_ACCESS_KEY, SESSION_TOKEN, REGION", f.Path, i+1)
		}
	}
	if err := c.Validate(); err != nil {
		return Credentials{}, fault.Wrap(fault.Failure, err, "remove the file and create it anew", "%s is damaged", f.Path)
	}
	return c, nil
}

// Save replaces the file with c. The folder must exist.
func (f File) Save(c Credentials) error {
	return f.Update(func(old *Credentials) error { *old = c; return nil })
}

// Update changes the file under a lock that other processes take too, so that
// parallel changes each see the last one (SPEC E4). change gets the zero value
// where there is no file; where it returns an error the file stays as it was.
func (f File) Update(change func(*Credentials) error) error {
	unlock, err := f.lock()
	if err != nil {
		return err
	}
	defer unlock()
	c, err := f.Load()
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if err := change(&c); err != nil {
		return err
	}
	if err := c.Validate(); err != nil {
		return fault.Wrap(fault.Usage, err, "credentials are one line each", "credentials refused")
	}
	return atomicfile.Write(f.Path, []byte(format(c)), 0o600)
}

func format(c Credentials) string {
	var b strings.Builder
	for _, line := range []struct{ name, value string }{
		{fieldAccessKeyID, c.AccessKeyID},
		{fieldSecretAccessKey, c.SecretAccessKey.Reveal()},
		{fieldSessionToken, c.SessionToken.Reveal()},
		{fieldRegion, c.Region},
	} {
		if line.value != "" {
			fmt.Fprintf(&b, "%s=%s\n", line.name, line.value)
		}
	}
	return b.String()
}

// lock takes an advisory lock beside the file; the file itself is replaced by
// every change and cannot carry one.
func (f File) lock() (func(), error) {
	l, err := os.OpenFile(f.Path+".lock", os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = unix.Flock(int(l.Fd()), unix.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		_ = l.Close()
		return nil, err
	}
	return func() { _ = l.Close() }, nil
}

func (f File) warn(format string, args ...any) {
	if f.Warn != nil {
		f.Warn(fmt.Sprintf(format, args...))
	}
}
