package keyring

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// ContextsFile is the name of the contexts' file in the config root.
const ContextsFile = "contexts.json"

// LocalContext is the coordinator of this machine, which nobody logs in to.
const LocalContext = "local"

// EnvToken has a peer's token for `login`.
const EnvToken = "ARTIFACTS_TOKEN" //nolint:gosec // the name of a variable, not a secret

// Context is one coordinator that this user has logged in to (SPEC C12).
type Context struct {
	Name           string
	URL            string // scheme://host[:port]
	Coordinator    string // its id
	Peer           string // id of the peer this user is there: the access key of the store (SPEC B6)
	PeerName       string
	CertificatePin string // SHA-256 of the one certificate to take, in hex; empty: a trusted one
	Store          Store  // where the token is
	Fingerprint    string // of peer and token as a pair (SPEC A40)
	Token          Secret // zero where Store is InKeyring and the OS keyring was not asked
	item           string // in the OS keyring
}

// Pair is what the store of the mesh is signed to with (SPEC B6).
func (c Context) Pair() Credentials {
	return Credentials{AccessKeyID: c.Peer, SecretAccessKey: c.Token}
}

// Contexts are those of a user. Path is absolute. Warn, where not nil, gets one line about
// what was mended.
type Contexts struct {
	Path string
	Warn func(string)
}

// storedContexts is the file.
type storedContexts struct {
	Active   string          `json:"active,omitempty"` // empty: the local coordinator
	Contexts []storedContext `json:"contexts"`
}

type storedContext struct {
	Name           string `json:"name"`
	URL            string `json:"url"`
	Coordinator    string `json:"coordinator"`
	Peer           string `json:"peer"`
	PeerName       string `json:"peer_name,omitempty"`
	CertificatePin string `json:"certificate_pin,omitempty"`
	Fingerprint    string `json:"fingerprint"`
	Token          string `json:"token,omitempty"`        // one of the two
	Item           string `json:"keyring_item,omitempty"` // in the OS keyring
}

func (s storedContext) context() Context {
	c := Context{
		Name: s.Name, URL: s.URL, Coordinator: s.Coordinator, Peer: s.Peer, PeerName: s.PeerName, CertificatePin: s.CertificatePin,
		Fingerprint: s.Fingerprint, Store: InFile, Token: NewSecret(s.Token), item: s.Item,
	}
	if s.Item != "" {
		c.Store = InKeyring
	}
	return c
}

func (f storedContexts) index(name string) int {
	return slices.IndexFunc(f.Contexts, func(c storedContext) bool { return c.Name == name })
}

// read is the file, empty where there is none. A symlink, another's file and a damaged one are
// faults that hold nothing of the text.
func (c Contexts) read() (f storedContexts, err error) {
	text, err := readPrivate(c.Path, c.Warn)
	if errors.Is(err, ErrNotFound) {
		return f, nil
	}
	if err != nil {
		return f, err
	}
	damaged := fault.New(fault.Failure, "remove the file and log in again", "%s is damaged", c.Path)
	if json.Unmarshal([]byte(text), &f) != nil {
		return storedContexts{}, damaged
	}
	for _, s := range f.Contexts {
		if CheckContextName(s.Name) != nil || s.URL == "" || s.Peer == "" || (s.Token == "") == (s.Item == "") {
			return storedContexts{}, damaged
		}
	}
	return f, nil
}

func (c Contexts) write(f storedContexts) error {
	if len(f.Contexts) == 0 {
		return os.Remove(c.Path)
	}
	slices.SortFunc(f.Contexts, func(a, b storedContext) int { return cmp.Compare(a.Name, b.Name) })
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	return writePrivate(c.Path, string(text)+"\n")
}

// List returns all by name and the name of the active one, "" for the local coordinator. The
// OS keyring is not asked.
func (c Contexts) List() (list []Context, active string, err error) {
	f, err := c.read()
	for _, s := range f.Contexts {
		list = append(list, s.context())
	}
	return list, f.Active, err
}

// Get returns one with its token, from the OS keyring where it is there. ErrNotFound where
// there is no such context.
func (c Contexts) Get(name string) (Context, error) {
	f, err := c.read()
	if err != nil {
		return Context{}, err
	}
	i := f.index(name)
	if i < 0 {
		return Context{}, ErrNotFound
	}
	found := f.Contexts[i].context()
	if found.Store == InFile {
		return found, nil
	}
	found.Token, err = getItem(found.item)
	if errors.Is(err, ErrNotFound) {
		return found, fault.New(fault.Auth, "run `artifacts login "+found.URL+" --name "+name+"` again", "the token of context %q is not in the OS keyring any more", name)
	}
	return found, loginToFile(err)
}

// Put keeps a context, in place of one of the same name, and makes it the active one. The token
// goes to the file or to the OS keyring, as Store says.
func (c Contexts) Put(n Context) error { return c.put(n, true) }

// Renew gives a peer of a coordinator another token in each context that has it, where its last
// one is.
func (c Contexts) Renew(coordinator, peer string, token Secret) error {
	list, _, err := c.List()
	for _, n := range list {
		if err == nil && n.Coordinator == coordinator && n.Peer == peer {
			n.Token = token
			err = c.put(n, false)
		}
	}
	return err
}

func (c Contexts) put(n Context, activate bool) error {
	return c.change(func(f *storedContexts) (drop []string, err error) {
		s := storedContext{
			Name: n.Name, URL: n.URL, Coordinator: n.Coordinator, Peer: n.Peer, PeerName: n.PeerName, CertificatePin: n.CertificatePin,
			Fingerprint: n.Pair().Fingerprint(), Token: n.Token.Reveal(),
		}
		if n.Store == InKeyring {
			s.Token, s.Item = "", "context-"+strings.ToLower(rand.Text()[:12])
			if err := setItem(s.Item, n.Token); err != nil {
				return nil, loginToFile(err)
			}
		}
		switch i := f.index(n.Name); {
		case i >= 0:
			drop = append(drop, f.Contexts[i].Item)
			f.Contexts[i] = s
		case activate:
			f.Contexts = append(f.Contexts, s)
		default: // removed meanwhile
			return []string{s.Item}, nil
		}
		if activate {
			f.Active = n.Name
		}
		if err := c.write(*f); err != nil {
			c.drop(s.Item)
			return nil, err
		}
		return drop, nil
	})
}

// Use makes a context the active one, or the local coordinator. ErrNotFound where there is no
// such context.
func (c Contexts) Use(name string) error {
	if name == LocalContext {
		if _, err := os.Lstat(c.Path); errors.Is(err, os.ErrNotExist) {
			return nil // it is already
		}
	}
	return c.change(func(f *storedContexts) ([]string, error) {
		if name == LocalContext {
			f.Active = ""
		} else if f.index(name) < 0 {
			return nil, ErrNotFound
		} else {
			f.Active = name
		}
		return nil, c.write(*f)
	})
}

// Remove forgets contexts, their items in the OS keyring first: one whose item cannot be
// removed stays. It returns the names of those that were there.
func (c Contexts) Remove(names ...string) (removed []string, err error) {
	if _, err := os.Lstat(c.Path); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	err = c.change(func(f *storedContexts) ([]string, error) {
		var failed error
		f.Contexts = slices.DeleteFunc(f.Contexts, func(s storedContext) bool {
			if !slices.Contains(names, s.Name) {
				return false
			}
			if s.Item != "" {
				if err := deleteItem(s.Item); err != nil {
					failed = err
					return false
				}
			}
			removed = append(removed, s.Name)
			if f.Active == s.Name {
				f.Active = ""
			}
			return true
		})
		if len(removed) == 0 {
			return nil, failed
		}
		return nil, errors.Join(c.write(*f), failed)
	})
	return removed, err
}

// Clear forgets all. A file that cannot be read is removed all the same.
func (c Contexts) Clear() (removed []string, err error) {
	list, _, err := c.List()
	if err != nil {
		return nil, os.Remove(c.Path)
	}
	names := make([]string, len(list))
	for i, known := range list {
		names[i] = known.Name
	}
	return c.Remove(names...)
}

// change calls fn with the file under a lock, and drops the items it returns.
func (c Contexts) change(fn func(*storedContexts) (drop []string, err error)) error {
	unlock, err := lockBeside(c.Path)
	if err != nil {
		return err
	}
	defer unlock()
	f, err := c.read()
	if err != nil {
		return err
	}
	drop, err := fn(&f)
	if err != nil {
		return err
	}
	for _, item := range drop {
		c.drop(item)
	}
	return nil
}

func (c Contexts) drop(item string) {
	if item == "" {
		return
	}
	if err := deleteItem(item); err != nil && c.Warn != nil {
		c.Warn(fmt.Sprintf("an item named %s stays in the OS keyring: %v", item, err))
	}
}

// loginToFile says where else than in the OS keyring a token can be.
func loginToFile(err error) error {
	if e := fault.As(err); e != nil {
		return &fault.Error{Kind: e.Kind, Message: e.Message, Err: e, Hint: "unlock or start the keyring, or keep the token in a 0600 file: `artifacts login URL --store file`"}
	}
	return nil
}

var contextName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._:-]{0,127}$`)

// CheckContextName refuses what is no name, and that of the local coordinator.
func CheckContextName(name string) error {
	if name == LocalContext {
		return fault.New(fault.Usage, "choose another name", "%q is the coordinator of this machine", name)
	}
	if contextName.MatchString(name) {
		return nil
	}
	return fault.New(fault.Usage, "use 1 to 128 of a-z, A-Z, 0-9, _ . : and -, beginning with a letter or digit", "%q is not a valid context name", name)
}

// maxToken bounds a token, in bytes; those of a coordinator have 48.
const maxToken = 4096

// CheckToken refuses what cannot be a mesh token: nothing, blanks, line breaks and other
// characters that no header takes. Its errors hold nothing of it.
func CheckToken(token Secret) error {
	text := token.Reveal()
	switch {
	case text == "":
		return fault.New(fault.Usage, "paste the token that `peer add` printed", "the token is empty")
	case len(text) > maxToken:
		return fault.New(fault.Usage, "paste the token alone", "that is too long for a token")
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }):
		return fault.New(fault.Usage, "paste the token alone, without blanks and on one line", "the token holds a blank, a line break or a character that no token has")
	}
	return nil
}

// NewContexts are those in the config root.
func NewContexts(configRoot string, warn func(string)) Contexts {
	return Contexts{Path: filepath.Join(configRoot, ContextsFile), Warn: warn}
}
