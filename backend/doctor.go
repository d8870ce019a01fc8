package backend

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// FindingState is how what doctor looked at is.
type FindingState string

// The states, best first.
const (
	FindingOK      FindingState = "ok"
	FindingSkipped FindingState = "skipped" // there was nothing to look at, or no way to
	FindingWarning FindingState = "warning" // it works, and may soon not
	FindingFailed  FindingState = "failed"
)

// Finding is one thing that doctor looked at (SPEC C24).
type Finding struct {
	Check   string       `json:"check"`
	State   FindingState `json:"state"`
	Message string       `json:"message"`
	Hint    string       `json:"hint"` // what to do about it; empty where nothing is to be done
}

// Diagnosis is what doctor found.
type Diagnosis struct {
	OK       bool      `json:"ok"` // nothing failed
	Warnings int       `json:"warnings"`
	Failed   int       `json:"failed"`
	Findings []Finding `json:"findings"`
}

// DoctorOptions are what a Diagnosis needs to be told.
type DoctorOptions struct {
	Version string       // of this program
	Layer   func() error // what is missing to mount at all
	Keyring bool         // ask the OS keyring also where nothing is kept there: it may ask for a password
}

// Of what is looked at.
const (
	lookTime    = 8 * time.Second // for one answer over the network
	skewWarning = time.Minute
	skewFailed  = 15 * time.Minute // what S3 takes (SPEC B7)
)

// Doctor looks at what the program needs of this machine and the network. It starts nothing, and mends nothing but
// the mode of a file with credentials, as whatever reads one does.
func (a *App) Doctor(ctx context.Context, opt DoctorOptions) Diagnosis {
	parts := []func(context.Context, DoctorOptions) []Finding{
		a.checkVersions, a.checkMounting, a.checkFolders, nil, a.checkKeyring, a.checkWeb, a.checkCoordinator, a.checkEndpoints, a.checkMounts,
	}
	found := make([][]Finding, len(parts))
	found[3] = a.checkPrivateFiles(ctx, opt) // first: whoever reads such a file tightens its mode
	var all errgroup.Group
	for i, part := range parts {
		if part == nil {
			continue
		}
		all.Go(func() error {
			found[i] = part(ctx, opt)
			return nil
		})
	}
	_ = all.Wait()
	d := Diagnosis{OK: true, Findings: []Finding{}}
	for _, part := range found {
		for _, f := range part {
			switch f.State {
			case FindingFailed:
				d.OK = false
				d.Failed++
			case FindingWarning:
				d.Warnings++
			}
			d.Findings = append(d.Findings, f)
		}
	}
	return d
}

func okay(check, format string, args ...any) Finding {
	return Finding{Check: check, State: FindingOK, Message: fmt.Sprintf(format, args...)}
}

func skipped(check, format string, args ...any) Finding {
	return Finding{Check: check, State: FindingSkipped, Message: fmt.Sprintf(format, args...)}
}

func warning(check, hint, format string, args ...any) Finding {
	return Finding{Check: check, State: FindingWarning, Message: fmt.Sprintf(format, args...), Hint: hint}
}

func failed(check, hint, format string, args ...any) Finding {
	return Finding{Check: check, State: FindingFailed, Message: fmt.Sprintf(format, args...), Hint: hint}
}

// failedBy is a finding that an error makes; hint is for one that brings none.
func failedBy(check string, err error, hint string) Finding {
	e := fault.As(err)
	if e.Hint != "" {
		hint = e.Hint
	}
	return failed(check, hint, "%s", e.Error())
}

func (a *App) checkVersions(_ context.Context, opt DoctorOptions) []Finding {
	return []Finding{okay("version", "artifacts-tui %s, %s, %s/%s%s", opt.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH, kernel())}
}

// checkMounting looks for what a mount needs.
func (a *App) checkMounting(ctx context.Context, opt DoctorOptions) []Finding {
	if opt.Layer != nil {
		if err := opt.Layer(); err != nil {
			return []Finding{failedBy("fuse", err, "install FUSE 3")}
		}
	}
	return append([]Finding{okay("fuse", "mounts can be made")}, mountHelper(ctx)...)
}

// checkKeyring looks whether the OS keyring answers, and whether that matters.
func (a *App) checkKeyring(_ context.Context, opt DoctorOptions) []Finding {
	used := a.inKeyring()
	if len(used) == 0 && !opt.Keyring {
		return []Finding{skipped("keyring", "nothing is kept in the OS keyring")}
	}
	err := keyring.Probe()
	switch {
	case err == nil && len(used) == 0:
		return []Finding{okay("keyring", "the OS keyring answers; nothing is kept there")}
	case err == nil:
		return []Finding{okay("keyring", "the OS keyring answers, and has %s", strings.Join(used, ", "))}
	case len(used) == 0:
		return []Finding{skipped("keyring", "%s; credentials are kept in 0600 files, which need none", fault.As(err).Error())}
	}
	return []Finding{failed("keyring", "unlock or start the keyring; `artifacts storage set --store file` and `artifacts login URL --store file` do without",
		"%s, and %s is kept there", fault.As(err).Error(), strings.Join(used, ", "))}
}

// inKeyring is what is kept in the OS keyring, without asking that.
func (a *App) inKeyring() (what []string) {
	if e, err := a.cache.Stat(); err == nil && e.Store == keyring.InKeyring {
		what = append(what, "the pair of `storage show`")
	}
	if list, err := a.profiles.List(); err == nil {
		for _, p := range list {
			if e, err := a.profiles.Pair(p.Name).Stat(); p.Type == keyring.Static && err == nil && e.Store == keyring.InKeyring {
				what = append(what, "the pair of profile "+p.Name)
			}
		}
	}
	if list, _, err := a.contexts.List(); err == nil {
		for _, c := range list {
			if c.Store == keyring.InKeyring {
				what = append(what, "the token of context "+c.Name)
			}
		}
	}
	return what
}

// checkMounts looks at every mount, and at what is left of former ones.
func (a *App) checkMounts(ctx context.Context, _ DoctorOptions) []Finding {
	const check = "mounts"
	list, err := a.Mounts(ctx)
	if err != nil {
		return []Finding{failedBy(check, err, "look at /proc/self/mountinfo")}
	}
	if len(list) == 0 {
		return []Finding{skipped(check, "nothing is mounted")}
	}
	var all []Finding
	for _, m := range list {
		where := m.Mountpoint
		if where == "" {
			where = "workspace " + m.Workspace
		}
		switch {
		case m.Health == mounts.Stale && m.Foreign():
			all = append(all, failed(check, "`artifacts mount repair "+m.Mountpoint+"`, or detach it: `fusermount3 -uz "+m.Mountpoint+"`", "%s is stale: its process is gone", where))
		case m.Health == mounts.Stale && m.Unmounted:
			all = append(all, warning(check, "`artifacts mount repair "+m.Workspace+"` uploads it, and so does the next mount", "what was written to %s is not uploaded yet", m.Workspace))
		case m.Health == mounts.Stale:
			all = append(all, failed(check, "`artifacts mount repair "+m.Mountpoint+"` mounts it again and uploads what is left", "%s is stale: its process is gone", where))
		case m.Health == mounts.Degraded:
			all = append(all, failed(check, "`artifacts status` tells more; what was written is kept", "%s: %s", where, m.Reason))
		case m.Failed > 0:
			all = append(all, warning(check, "`artifacts status` names them; they are kept and tried again", "%s: %d changes were refused by the store", where, m.Failed))
		case m.StaleCredentials:
			all = append(all, warning(check, "`artifacts mount refresh-credentials "+m.Mountpoint+"` gives it those of now", "%s signs with credentials that were replaced", where))
		default:
			all = append(all, okay(check, "%s is %s, %d changes to upload", where, m.Health, m.Pending()))
		}
		if m.Quarantined > 0 {
			all = append(all, warning(check, "`artifacts mount quarantine list` names them", "%d files of %s were set aside after a crash", m.Quarantined, m.Workspace))
		}
	}
	return all
}
