package keyring

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/artifacts-tui/artifacts-tui/internal/atomicfile"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// The lines of the file, in order; `storage show` prints the same names (SPEC A12, A27).
// The last three are those of a pointer to the OS keyring.
const (
	fieldAccessKeyID     = "ACCESS_KEY_ID"
	fieldSecretAccessKey = "SECRET_ACCESS_KEY"
	fieldSessionToken    = "SESSION_TOKEN"
	fieldRegion          = "REGION"
	fieldStore           = "STORE"
	fieldItem            = "KEYRING_ITEM"
	fieldFingerprint     = "FINGERPRINT"
)

// readPrivate reads a file that holds secrets: never through a symlink, never another
// user's; a looser mode is tightened with a warning (SPEC A10).
func readPrivate(path string, warn func(string)) (string, error) {
	fd, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", ErrNotFound
	case errors.Is(err, syscall.ELOOP):
		return "", fault.New(fault.Auth, "replace the link with a file of your own",
			"%s is a symbolic link; refusing to read credentials through it", path)
	case errors.Is(err, os.ErrPermission):
		return "", fault.New(fault.Auth, "move it away, or run as its owner", "%s may not be read", path)
	case err != nil:
		return "", err
	}
	defer fd.Close()
	info, err := fd.Stat()
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fault.New(fault.Auth, "move it away", "%s is not a regular file; refusing to read credentials from it", path)
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; int(owner) != os.Geteuid() {
		return "", fault.New(fault.Auth, "move it away, or run as its owner",
			"%s belongs to user %d; refusing to read credentials from it", path, owner)
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		if err := fd.Chmod(0o600); err != nil {
			return "", err
		}
		if warn != nil {
			warn(fmt.Sprintf("mode of %s was %04o; tightened to 0600", path, perm))
		}
	}
	text, err := io.ReadAll(fd)
	return string(text), err
}

// writePrivate replaces a file that holds secrets as a whole, mode 0600. One that
// readPrivate refuses is left as it is.
func writePrivate(path, text string) error {
	if err := atomicfile.Write(path, []byte(text), 0o600); err != nil {
		return fault.Wrap(fault.Failure, err, "make its folder writable, or set XDG_CONFIG_HOME", "cannot write %s", path)
	}
	return nil
}

// parseEntry reads the lines of a file, or of an item of the OS keyring. Its errors name
// where, and hold nothing of the text: any line may hold a secret.
func parseEntry(where, text string) (Entry, error) {
	e := Entry{Store: InFile}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSuffix(line, "\r")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, found := strings.Cut(line, "=")
		switch {
		case found && name == fieldAccessKeyID:
			e.AccessKeyID = value
		case found && name == fieldSecretAccessKey:
			e.SecretAccessKey = NewSecret(value)
		case found && name == fieldSessionToken:
			e.SessionToken = NewSecret(value)
		case found && name == fieldRegion:
			e.Region = value
		case found && name == fieldStore && value == string(InKeyring):
			e.Store = InKeyring
		case found && name == fieldItem:
			e.item = value
		case found && name == fieldFingerprint:
			e.Fingerprint = value
		default:
			return Entry{}, fault.New(fault.Failure,
				"remove the file and create it anew, or mend that line: KEY=value",
				"%s is damaged: line %d is not one of ACCESS_KEY_ID, SECRET_ACCESS_KEY, SESSION_TOKEN, REGION", where, i+1)
		}
	}
	err := e.Validate()
	if err == nil && (e.Store == InKeyring) != (e.item != "") {
		err = errors.New("STORE=keyring and KEYRING_ITEM belong together")
	}
	if err != nil {
		return Entry{}, fault.Wrap(fault.Failure, err, "remove the file and create it anew", "%s is damaged", where)
	}
	if e.Store == InFile {
		e.Fingerprint = e.Credentials.Fingerprint()
	}
	return e, nil
}

func formatPair(c Credentials) string {
	return formatLines(
		fieldAccessKeyID, c.AccessKeyID, fieldSecretAccessKey, c.SecretAccessKey.Reveal(),
		fieldSessionToken, c.SessionToken.Reveal(), fieldRegion, c.Region)
}

func formatPointer(e Entry) string {
	return formatLines(fieldStore, string(InKeyring), fieldItem, e.item, fieldFingerprint, e.Credentials.Fingerprint(), fieldRegion, e.Region)
}

func formatLines(pairs ...string) string {
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			fmt.Fprintf(&b, "%s=%s\n", pairs[i], pairs[i+1])
		}
	}
	return b.String()
}

// lockBeside takes an advisory lock beside a file; the file itself is replaced by
// every change and cannot carry one.
func lockBeside(path string) (unlock func(), err error) {
	l, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fault.Wrap(fault.Failure, err, "make its folder writable, or set XDG_CONFIG_HOME", "cannot lock %s", path)
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
