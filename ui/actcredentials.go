package ui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/commandline"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/dialog"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
)

// actCredentials is act for what is about credentials.
func (m *model) actCredentials(a action.Action) tea.Cmd {
	s := m.session
	switch a := a.(type) {
	case action.SetStorage:
		return s.SetStorage(a.Change)
	case action.ClearStorage:
		return s.ClearStorage(a.Profile)
	case action.Verify:
		return s.Verify(a.Profile)
	case action.RefreshCredentials:
		return s.RefreshCredentials(a.Mountpoint, a.Kept)
	case action.Remount:
		return s.Remount(a.Mountpoint)
	case action.ReadRotation:
		return s.ReadRotation(a.Profile)
	case action.IssuePair:
		return s.IssuePair(a.Command)
	case action.VerifyRotation:
		return s.VerifyRotation(a.Rotation, a.Pair)
	case action.StopVerifying:
		s.StopVerifying()
	case action.SaveRotation:
		return s.SaveRotation(a.Rotation, a.Pair)
	case action.EndRotation:
		return s.EndRotation(a.Profile, a.Undo)
	case action.KeepDraft:
		return s.KeepDraft(a.Draft)
	}
	return m.actControl(a)
}

// settleCredentials is settle for what is about credentials. What a wizard shows itself is
// not said twice.
func (m *model) settleCredentials(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case session.StorageSet:
		if msg.Err != nil {
			m.fail(dialog.Failure{What: "Could not save the credentials", Err: msg.Err, At: msg.At})
			return nil
		}
		return m.say(component.Good, "saved the credentials", msg.Notices...)
	case session.StorageCleared:
		if msg.Err != nil {
			m.fail(dialog.Failure{
				What: "Could not forget the credentials", Err: msg.Err, At: msg.At,
				Retried: action.ClearStorage{Profile: msg.Profile}, Line: commandline.Forget(msg.Profile),
			})
			return nil
		}
		return m.say(component.Good, "forgot the credentials")
	case session.Verified:
		return m.verified(msg)
	case session.Refreshed:
		if m.rotating() {
			return nil
		}
		path := component.Home(msg.Mountpoint, m.session.Home)
		if msg.Err != nil {
			m.fail(dialog.Failure{
				What: "Could not refresh the credentials of " + path, Err: msg.Err, At: msg.At,
				Retried: action.RefreshCredentials{Mountpoint: msg.Mountpoint}, Line: commandline.RefreshCredentials(msg.Mountpoint, m.session.Home),
			})
			return nil
		}
		var details []string
		if n := msg.Result.FormerRequests; n > 0 {
			details = []string{component.Plural(n, "request") + " of the former pair are under way: do not revoke it yet"}
		}
		return m.say(component.Good, path+" signs with "+msg.Result.Fingerprint, details...)
	}
	return m.settleControl(msg)
}

// rotating reports whether the wizard is open.
func (m *model) rotating() bool {
	for _, d := range m.dialogs {
		if _, ok := d.(*dialog.Rotate); ok {
			return true
		}
	}
	return false
}

func (m *model) verified(msg session.Verified) tea.Cmd {
	if msg.Err != nil {
		m.fail(dialog.Failure{
			What: "Could not verify the credentials", Err: msg.Err, At: msg.At,
			Retried: action.Verify{Profile: msg.Profile}, Line: commandline.Verify(msg.Profile),
		})
		return nil
	}
	var refused []string
	for _, v := range msg.Results {
		if !v.OK {
			refused = append(refused, v.Workspace+": "+v.Error.Error())
		}
	}
	switch {
	case len(msg.Results) == 0:
		return m.say(component.Info, "no workspace uses these credentials")
	case len(refused) > 0:
		return m.say(component.Bad, fmt.Sprintf("refused by %d of %s", len(refused), component.Plural(len(msg.Results), "workspace")), refused...)
	}
	return m.say(component.Good, "the credentials serve "+component.Plural(len(msg.Results), "workspace"))
}
