package session

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// The messages about credentials.
type (
	// CredentialsRead ends a read of the sources.
	CredentialsRead struct {
		List  []backend.CredentialSource
		Draft *backend.RotationDraft
		Err   error
		At    time.Time
	}
	// StorageSet ends SetStorage.
	StorageSet struct {
		Profile string
		Notices []string
		Err     error
		At      time.Time
	}
	// StorageCleared ends ClearStorage.
	StorageCleared struct {
		Profile string
		Err     error
		At      time.Time
	}
	// Verified ends Verify.
	Verified struct {
		Profile string
		Results []backend.Verified
		Err     error
		At      time.Time
	}
	// Refreshed ends Refresh or Remount of one mount's credentials.
	Refreshed struct {
		Mountpoint string
		Result     backend.RefreshedCredentials
		Err        error
		At         time.Time
	}
	// RotationRead ends ReadRotation.
	RotationRead struct {
		Rotation backend.Rotation
		Err      error
		At       time.Time
	}
	// PairIssued ends IssuePair.
	PairIssued struct {
		Pair keyring.Credentials
		Err  error
		At   time.Time
	}
	// RotationTried is one workspace's answer to a new pair.
	RotationTried struct {
		Fingerprint string // of the pair
		Result      backend.Verified
		At          time.Time
		more        <-chan backend.Verified
	}
	// RotationVerified ends VerifyRotation; after all its RotationTried.
	RotationVerified struct {
		Fingerprint string // of the pair
		Results     []backend.Verified
		Err         error
		At          time.Time
	}
	// RotationSaved ends SaveRotation.
	RotationSaved struct {
		Profile string
		Err     error
		At      time.Time
	}
	draftKept struct{}
	// RotationEnded ends FinishRotation, or UndoRotation where Undone.
	RotationEnded struct {
		Profile string
		Undone  bool
		Err     error
		At      time.Time
	}
)

func (s *Session) readCredentials() tea.Cmd {
	return s.read("credentials", func() tea.Msg {
		list, err := s.app.CredentialSources(s.ctx)
		return CredentialsRead{List: list, Draft: s.app.RotationDraft(), Err: err, At: time.Now()}
	})
}

// applyCredentials is Apply for the messages of this file; false for any other.
func (s *Session) applyCredentials(msg tea.Msg) (tea.Cmd, bool) {
	switch msg := msg.(type) {
	case CredentialsRead:
		s.at(msg.At)
		s.Draft = msg.Draft
		if s.CredentialsErr = msg.Err; msg.Err == nil {
			s.Credentials, s.CredentialsKnown = msg.List, true
		}
		return s.again("credentials", s.readCredentials), true
	case StorageSet:
		s.at(msg.At)
		return tea.Batch(s.readCredentials(), s.readMounts()), true
	case StorageCleared:
		s.at(msg.At)
		return tea.Batch(s.readCredentials(), s.readMounts()), true
	case Verified:
		s.at(msg.At)
		delete(s.Verifying, msg.Profile)
		return s.readCredentials(), true
	case Refreshed:
		s.at(msg.At)
		return tea.Batch(s.readMounts(), s.readCredentials()), true
	case draftKept:
		return s.readCredentials(), true
	case RotationRead:
		s.at(msg.At)
	case PairIssued:
		s.at(msg.At)
	case RotationTried:
		s.at(msg.At)
		return waitTried(msg.Fingerprint, msg.more), true
	case RotationVerified:
		s.at(msg.At)
		s.stopTry = nil
	case RotationSaved:
		s.at(msg.At)
		return tea.Batch(s.readCredentials(), s.readMounts()), true
	case RotationEnded:
		s.at(msg.At)
		return tea.Batch(s.readCredentials(), s.readMounts()), true
	default:
		return nil, false
	}
	return nil, true
}

// SetStorage changes what is kept.
func (s *Session) SetStorage(change backend.StorageChange) tea.Cmd {
	return guard("keep credentials", func() tea.Msg {
		_, notices, err := s.app.SetStorage(change)
		return StorageSet{Profile: change.Profile, Notices: notices, Err: err, At: time.Now()}
	})
}

// ClearStorage forgets what is kept.
func (s *Session) ClearStorage(profile string) tea.Cmd {
	return guard("clear credentials", func() tea.Msg {
		_, err := s.app.ClearStorage(profile)
		return StorageCleared{Profile: profile, Err: err, At: time.Now()}
	})
}

// Verify tries the credentials of a profile, or the global ones, on their workspaces.
func (s *Session) Verify(profile string) tea.Cmd {
	if s.Verifying[profile] {
		return nil
	}
	s.Verifying[profile] = true
	return guard("verify credentials", func() tea.Msg {
		results, err := s.app.Verify(s.ctx, profile, nil)
		return Verified{Profile: profile, Results: results, Err: err, At: time.Now()}
	})
}

// formerWait bounds the wait for requests that are signed with the former pair.
const formerWait = time.Minute

// RefreshCredentials gives a mount the credentials that a new one would get; those that are
// kept, whatever the environment has, where kept.
func (s *Session) RefreshCredentials(mountpoint string, kept bool) tea.Cmd {
	return guard("refresh credentials", func() tea.Msg {
		r, err := s.app.RefreshCredentials(s.ctx, backend.RefreshRequest{Where: mountpoint, Kept: kept, Wait: formerWait})
		return Refreshed{Mountpoint: mountpoint, Result: r, Err: err, At: time.Now()}
	})
}

// Remount drains a mount, and mounts it again with the credentials that are kept.
func (s *Session) Remount(mountpoint string) tea.Cmd {
	return guard("remount", func() tea.Msg {
		m, err := s.app.Remount(s.ctx, mountpoint, mounts.UnmountOptions{})
		r := backend.RefreshedCredentials{Workspace: m.Workspace, Mountpoint: mountpoint, Fingerprint: m.Fingerprint}
		return Refreshed{Mountpoint: mountpoint, Result: r, Err: err, At: time.Now()}
	})
}

// ReadRotation reads what a rotation would concern.
func (s *Session) ReadRotation(profile string) tea.Cmd {
	return guard("read a rotation", func() tea.Msg {
		r, err := s.app.Rotation(s.ctx, profile)
		return RotationRead{Rotation: r, Err: err, At: time.Now()}
	})
}

// IssuePair runs the command that prints the new pair.
func (s *Session) IssuePair(command string) tea.Cmd {
	return guard("issue a pair", func() tea.Msg {
		pair, err := s.app.IssuePair(s.ctx, command)
		return PairIssued{Pair: pair, Err: err, At: time.Now()}
	})
}

// VerifyRotation tries a new pair, until it ends or StopVerifying.
func (s *Session) VerifyRotation(r backend.Rotation, pair keyring.Credentials) tea.Cmd {
	ctx, cancel := context.WithCancel(s.ctx)
	s.stopTry = cancel
	tried := make(chan backend.Verified, len(r.Uses)) // who tries never waits
	return tea.Batch(waitTried(pair.Fingerprint(), tried), guard("verify a new pair", func() tea.Msg {
		defer cancel()
		results, err := s.app.VerifyRotation(ctx, r, pair, func(v backend.Verified) { tried <- v })
		close(tried)
		return RotationVerified{Fingerprint: pair.Fingerprint(), Results: results, Err: err, At: time.Now()}
	}))
}

// StopVerifying ends VerifyRotation.
func (s *Session) StopVerifying() {
	if s.stopTry != nil {
		s.stopTry()
	}
}

func waitTried(fingerprint string, tried <-chan backend.Verified) tea.Cmd {
	if tried == nil {
		return nil
	}
	return guard("watch a verification", func() tea.Msg {
		v, ok := <-tried
		if !ok {
			return nil
		}
		return RotationTried{Fingerprint: fingerprint, Result: v, At: time.Now(), more: tried}
	})
}

// SaveRotation keeps a new pair, and the former beside it.
func (s *Session) SaveRotation(r backend.Rotation, pair keyring.Credentials) tea.Cmd {
	return guard("save a rotation", func() tea.Msg {
		return RotationSaved{Profile: r.Profile, Err: s.app.SaveRotation(r, pair), At: time.Now()}
	})
}

// EndRotation forgets the former pair, or goes back to it.
func (s *Session) EndRotation(profile string, undo bool) tea.Cmd {
	return guard("end a rotation", func() tea.Msg {
		end := s.app.FinishRotation
		if undo {
			end = s.app.UndoRotation
		}
		return RotationEnded{Profile: profile, Undone: undo, Err: end(profile), At: time.Now()}
	})
}

// KeepDraft keeps a rotation for later, or forgets it. What cannot be kept is only typed again.
func (s *Session) KeepDraft(d *backend.RotationDraft) tea.Cmd {
	s.Draft = d
	return guard("keep a draft", func() tea.Msg {
		_ = s.app.KeepRotationDraft(d)
		return draftKept{}
	})
}
