package keyring

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	oskeyring "github.com/zalando/go-keyring"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// service names the program's items in the OS keyring; each has a name of its own beside it.
const service = "artifacts"

// patience bounds a question to the OS keyring (SPEC A42): one that waits for a password
// nobody types would hang the program.
const patience = 2 * time.Second

// setItem keeps text in the OS keyring. One that arrives after patience is removed again.
func setItem(name string, text Secret) error {
	if err := reachable(); err != nil {
		return noKeyring(err)
	}
	done, gaveUp := make(chan error, 1), make(chan struct{})
	go func() {
		err := oskeyring.Set(service, name, text.Reveal())
		select {
		case <-gaveUp:
			_ = oskeyring.Delete(service, name)
		default:
			done <- err
		}
	}()
	select {
	case err := <-done:
		return noKeyring(err)
	case <-time.After(patience):
		close(gaveUp)
		return noKeyring(errSilent)
	}
}

// getItem returns what setItem kept; ErrNotFound where there is no such item.
func getItem(name string) (Secret, error) {
	text, err := bounded(func() (string, error) { return oskeyring.Get(service, name) })
	return NewSecret(text), err
}

// deleteItem removes an item; one that is not there is removed already.
func deleteItem(name string) error {
	_, err := bounded(func() (struct{}, error) { return struct{}{}, oskeyring.Delete(service, name) })
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

func bounded[T any](ask func() (T, error)) (T, error) {
	var none T
	if err := reachable(); err != nil {
		return none, noKeyring(err)
	}
	type answer struct {
		value T
		err   error
	}
	done := make(chan answer, 1)
	go func() {
		v, err := ask()
		done <- answer{v, err}
	}()
	select {
	case a := <-done:
		return a.value, noKeyring(a.err)
	case <-time.After(patience):
		return none, noKeyring(errSilent)
	}
}

var (
	errSilent = errors.New("it does not answer; it may be locked")
	errNoBus  = errors.New("there is no D-Bus session")
)

// noKeyring turns an error of the OS keyring into one that names the file store.
func noKeyring(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, oskeyring.ErrNotFound):
		return ErrNotFound
	}
	return fault.Wrap(fault.Failure, err, "unlock or start the keyring, or keep the credentials in a 0600 file: `artifacts storage set --store file`",
		"the OS keyring cannot be used")
}

// reachable is an error where asking would only start a message bus of our own, which is
// what the D-Bus library does where it finds none.
func reachable() error {
	if runtime.GOOS == "darwin" || os.Getenv("DBUS_SESSION_BUS_ADDRESS") != "" {
		return nil
	}
	for _, name := range []string{"bus", "dbus-session"} {
		if _, err := os.Stat(filepath.Join("/run/user", strconv.Itoa(os.Getuid()), name)); err == nil {
			return nil
		}
	}
	return errNoBus
}

// Probe asks the OS keyring for what is not there, to see whether it answers.
func Probe() error {
	_, err := getItem("probe")
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
