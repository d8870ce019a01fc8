package page

import (
	"fmt"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// state is a glyph and words for how something is. rank orders states by how
// much they want to be looked at, the most urgent first.
type state struct {
	glyph, words string
	style        theme.Style
	rank         int
}

// String is the glyph and the words.
func (s state) String() string { return s.glyph + " " + s.words }

// stateMin is the room for "○ not mounted".
const stateMin = 14

// stateWidth is the room for a state on a page of a width. It does not depend on
// what the states are, so that the columns keep their places.
func stateWidth(page int) int {
	switch {
	case page >= 140:
		return 28
	case page >= 112, page >= 80 && page < wideFrom:
		return 19 // "▲ stale-credentials"
	default:
		return stateMin
	}
}

func healthState(m *mounts.Status, t *theme.Theme) state {
	if m.StaleCredentials && (m.Health == mounts.OK || m.Health == mounts.Busy) {
		return state{t.Glyph.Warn, "stale-credentials", t.Warn, 1}
	}
	switch m.Health {
	case mounts.OK:
		return state{t.Glyph.On, "ok", t.Good, 5}
	case mounts.Busy:
		return state{t.Glyph.On, "busy", t.Good, 4}
	case mounts.Draining:
		return state{t.Glyph.Part, "draining", t.Accent, 2}
	case mounts.Stale:
		return state{t.Glyph.Bad, "stale", t.Bad, 0}
	case mounts.Degraded:
		words := "degraded"
		if m.Reason != "" {
			words += ": " + component.Clean(m.Reason)
		}
		return state{t.Glyph.Warn, words, t.Warn, 1}
	default:
		return state{t.Glyph.Warn, component.Clean(string(m.Health)), t.Warn, 1}
	}
}

func opState(op *session.Op, now time.Time, t *theme.Theme) state {
	elapsed := component.Elapsed(now.Sub(op.Since))
	switch op.Kind {
	case session.Creating:
		return state{t.Glyph.Wait, "creating… " + elapsed, t.Accent, 2}
	case session.Mounting:
		return state{t.Glyph.Wait, "mounting… " + elapsed, t.Accent, 2}
	case session.Deleting:
		return state{t.Glyph.Wait, "deleting… " + elapsed, t.Accent, 2}
	}
	if op.Drain.Pending() == 0 {
		return state{t.Glyph.Part, "unmounting… " + elapsed, t.Accent, 2}
	}
	return state{t.Glyph.Part, fmt.Sprintf("draining %3.0f %%", 100*op.Fraction()), t.Accent, 2}
}

// workspaceState is what is most worth knowing of a workspace in one word.
func workspaceState(s *session.Session, w workspace.Workspace, t *theme.Theme) state {
	if op := s.Op(w.Name); op != nil {
		return opState(op, s.Now, t)
	}
	if m := s.MountOf(w); m != nil {
		return healthState(m, t)
	}
	switch w.State {
	case workspace.PendingFormat:
		return state{t.Glyph.Part, "unfinished", t.Warn, 3}
	case workspace.Deleting, workspace.Deleted:
		return state{t.Glyph.Part, string(w.State), t.Dim, 6}
	}
	switch {
	case !s.WorkspacesKnown:
		return state{t.Glyph.Wait, "last known", t.Dim, 8}
	case !s.MountsKnown && s.MountsErr == nil:
		return state{t.Glyph.Wait, "…", t.Dim, 7}
	default:
		return state{t.Glyph.Off, "not mounted", t.Dim, 7}
	}
}
