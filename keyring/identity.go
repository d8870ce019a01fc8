package keyring

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// IdentityFile is the name of the identities' file in the config root.
const IdentityFile = "mesh-identity.json"

// identitiesKept bounds how many coordinators a user's identities are kept of.
const identitiesKept = 32

// Identity is who this user is to a coordinator of this machine, which enrols its admin by
// itself: the peer's id is the access key of the mesh store and its token the secret (SPEC B6).
type Identity struct {
	Coordinator string // id of the coordinator that gave the token
	Peer        string
	Token       Secret
}

// Identities are those of a user. Path is absolute. Warn, where not nil, gets one line about
// what was mended.
type Identities struct {
	Path string
	Warn func(string)
}

// storedIdentity is one as the file has it.
type storedIdentity struct {
	Coordinator string `json:"coordinator"`
	Peer        string `json:"peer"`
	Token       string `json:"token"`
}

// storedIdentities is the file: the one that was used last, and those of other coordinators.
type storedIdentities struct {
	storedIdentity
	Others []storedIdentity `json:"others,omitempty"`
}

func (s storedIdentity) identity() Identity {
	return Identity{Coordinator: s.Coordinator, Peer: s.Peer, Token: NewSecret(s.Token)}
}

// NewIdentities are those in the config root.
func NewIdentities(configRoot string, warn func(string)) Identities {
	return Identities{Path: filepath.Join(configRoot, IdentityFile), Warn: warn}
}

// List returns all, the one that was used last first; none where there is no file.
func (i Identities) List() ([]Identity, error) {
	stored, err := i.read()
	list := make([]Identity, len(stored))
	for n, s := range stored {
		list[n] = s.identity()
	}
	return list, err
}

func (i Identities) read() ([]storedIdentity, error) {
	text, err := readPrivate(i.Path, i.Warn)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var f storedIdentities
	if err := json.Unmarshal([]byte(text), &f); err != nil || f.Coordinator == "" || f.Peer == "" || f.Token == "" {
		// The text may hold the token: do not repeat what was found in it.
		return nil, fault.New(fault.Failure, "remove it; a local coordinator enrols you again", "%s is damaged", i.Path)
	}
	return append([]storedIdentity{f.storedIdentity}, f.Others...), nil
}

// Last is the one that was used last, or ErrNotFound.
func (i Identities) Last() (Identity, error) {
	list, err := i.List()
	if err != nil {
		return Identity{}, err
	}
	if len(list) == 0 {
		return Identity{}, ErrNotFound
	}
	return list[0], nil
}

// Of is the one at a coordinator, or ErrNotFound.
func (i Identities) Of(coordinator string) (Identity, error) {
	list, err := i.List()
	if err != nil {
		return Identity{}, err
	}
	for _, id := range list {
		if id.Coordinator == coordinator {
			return id, nil
		}
	}
	return Identity{}, ErrNotFound
}

// Use returns the one at a coordinator, and makes it the last. Where there is none enrol makes it:
// of processes that come together one does.
func (i Identities) Use(coordinator string, enrol func() (Identity, error)) (Identity, error) {
	if last, err := i.Last(); err == nil && last.Coordinator == coordinator {
		return last, nil
	}
	unlock, err := lockBeside(i.Path)
	if err != nil {
		return Identity{}, err
	}
	defer unlock()
	list, err := i.read()
	if err != nil {
		return Identity{}, err
	}
	at := slices.IndexFunc(list, func(s storedIdentity) bool { return s.Coordinator == coordinator })
	if at < 0 {
		id, err := enrol()
		if err != nil {
			return Identity{}, err
		}
		at, list = len(list), append(list, storedIdentity{Coordinator: id.Coordinator, Peer: id.Peer, Token: id.Token.Reveal()})
	}
	used := list[at]
	list = slices.Delete(list, at, at+1)
	return used.identity(), i.write(slices.Insert(list, 0, used))
}

// Renew gives the one at a coordinator another token. ErrNotFound where there is none.
func (i Identities) Renew(coordinator string, token Secret) error {
	unlock, err := lockBeside(i.Path)
	if err != nil {
		return err
	}
	defer unlock()
	list, err := i.read()
	if err != nil {
		return err
	}
	at := slices.IndexFunc(list, func(s storedIdentity) bool { return s.Coordinator == coordinator })
	if at < 0 {
		return ErrNotFound
	}
	list[at].Token = token.Reveal()
	return i.write(list)
}

func (i Identities) write(list []storedIdentity) error {
	f := storedIdentities{storedIdentity: list[0], Others: list[1:min(len(list), identitiesKept)]}
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	return writePrivate(i.Path, string(text)+"\n")
}
