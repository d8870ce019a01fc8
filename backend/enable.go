package backend

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend/systemd"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/mounts/profile"
)

// EnableRequest asks for a workspace to be mounted with the user's session (SPEC C17).
type EnableRequest struct {
	MountRequest
	Flags []string // of `mount`, as a shell would give them, that say the same as MountRequest
	Now   bool     // mount it at once, too
}

// Enabled is what became of a unit.
type Enabled struct {
	Workspace  string `json:"workspace"`
	Mountpoint string `json:"mountpoint,omitempty"`
	Unit       string `json:"unit"`
	File       string `json:"file,omitempty"`
	Active     bool   `json:"active"` // it was started, and the mount is usable
	// Unreachable says why the user's service manager could not be told, and Next is then
	// what to run where it can; both are empty where it was told.
	Unreachable string   `json:"unreachable,omitempty"`
	Next        []string `json:"next,omitempty"`
}

// unitName is the service that mounts a workspace of a coordinator. Names of workspaces and contexts
// need no escaping in it, and the former have no dot.
func unitName(name string, t target) string {
	if t.context.Name != "" {
		name += "." + t.context.Name
	}
	return "artifacts-mount-" + name + ".service"
}

// final are the exit codes of a mount that starting it again does not change: usage, wrong
// keys, no such workspace, and an unmount that was given up.
var final = []int{int(fault.Usage), int(fault.Auth), int(fault.NotFound), int(fault.Pending)}

// EnableMount writes the user unit that mounts a workspace with the session, and tells the
// service manager of it where there is one.
func (a *App) EnableMount(ctx context.Context, req EnableRequest) (Enabled, error) {
	if runtime.GOOS == "darwin" {
		return Enabled{}, fault.New(fault.Usage, "have launchd run 'artifacts mount "+req.Workspace+" MOUNTPOINT --foreground'",
			"units are systemd's, which macOS does not have")
	}
	w, err := a.Workspace(ctx, req.Workspace)
	if err != nil {
		return Enabled{}, err
	}
	if err := usable(w); err != nil {
		return Enabled{}, err
	}
	if _, err := profile.Resolve(req.Profile, req.ProfileFile, req.Options); err != nil {
		return Enabled{}, err
	}
	if err := a.keysWithoutEnvironment(ctx, w, req.CredentialProfile); err != nil {
		return Enabled{}, err
	}
	if req.Mountpoint == "" {
		req.Mountpoint = a.DefaultMountpoint(w.Name)
	}
	mountpoint, err := filepath.Abs(req.Mountpoint)
	if err != nil {
		return Enabled{}, err
	}
	service, err := a.mountService(w.Name, mountpoint, req.Flags)
	if err != nil {
		return Enabled{}, err
	}
	e := Enabled{Workspace: w.Name, Mountpoint: mountpoint, Unit: service.Name}
	if e.File, err = systemd.Write(systemd.Dir(a.opt.Getenv), service); err != nil {
		var known *fault.Error
		if errors.As(err, &known) {
			return Enabled{}, err
		}
		return Enabled{}, fault.Wrap(fault.Failure, err, "make the folder writable", "cannot write the unit")
	}
	if err := a.services.Run(ctx, "daemon-reload"); err != nil {
		e.Unreachable, e.Next = err.Error(), []string{"systemctl --user daemon-reload"}
		if req.Now {
			e.Next = append(e.Next, "systemctl --user restart "+e.Unit)
		}
		return e, ctx.Err()
	}
	if req.Now {
		if err := a.notByHand(ctx, e); err != nil {
			return e, err
		}
		if err := a.services.Run(ctx, "restart", e.Unit); err != nil {
			return e, fault.Wrap(fault.Failure, err, "'journalctl --user -u "+e.Unit+"' tells why", "%s is enabled, but does not start", e.Unit)
		}
		e.Active = true
	}
	return e, nil
}

// notByHand refuses to start a unit whose workspace is mounted already, and not by the unit.
func (a *App) notByHand(ctx context.Context, e Enabled) error {
	m, err := a.mounts.Find(ctx, e.Workspace)
	if err != nil || m.Health == mounts.Stale || a.services.Run(ctx, "is-active", "--quiet", e.Unit) == nil {
		return nil
	}
	return fault.New(fault.Conflict, "it is enabled; run 'artifacts unmount "+m.Mountpoint+"' and 'systemctl --user start "+e.Unit+"' to have it mounted by the unit now",
		"workspace %s is already mounted at %s", e.Workspace, m.Mountpoint)
}

// DisableMount undoes EnableMount; now unmounts too, and drains.
func (a *App) DisableMount(ctx context.Context, name string, now bool) (Enabled, error) {
	if err := workspace.CheckName(name); err != nil {
		return Enabled{}, err
	}
	t, err := a.target()
	if err != nil {
		return Enabled{}, err
	}
	e := Enabled{Workspace: name, Unit: unitName(name, t)}
	dir := systemd.Dir(a.opt.Getenv)
	if _, err := os.Lstat(filepath.Join(dir, e.Unit)); errors.Is(err, os.ErrNotExist) {
		return Enabled{}, fault.New(fault.NotFound, "'artifacts mount enable "+name+"' does that", "workspace %s is not mounted with the session", name)
	}
	var stop error
	if now { // while the manager knows the unit
		stop = a.services.Run(ctx, "stop", e.Unit)
	}
	if _, err := systemd.Remove(dir, e.Unit); err != nil {
		return Enabled{}, fault.Wrap(fault.Failure, err, "make the folder writable", "cannot remove the unit")
	}
	if err := a.services.Run(ctx, "daemon-reload"); err != nil {
		e.Unreachable, e.Next = err.Error(), []string{"systemctl --user daemon-reload"}
		if now {
			e.Next = append([]string{"systemctl --user stop " + e.Unit}, e.Next...)
		}
		return e, ctx.Err()
	}
	if stop != nil {
		return e, fault.Wrap(fault.Failure, stop, "'artifacts unmount' unmounts it", "%s is disabled, but does not stop", e.Unit)
	}
	return e, nil
}

// mountService runs this program with a mount in the foreground.
func (a *App) mountService(name, mountpoint string, flags []string) (systemd.Service, error) {
	exe, err := a.exe()
	if err == nil {
		_, err = os.Stat(exe)
	}
	if err != nil || !filepath.IsAbs(exe) {
		return systemd.Service{}, fault.New(fault.Failure, "run the installed program again", "the program's own file is not known")
	}
	command := []string{exe, "mount", name, mountpoint, "--foreground", "--create"}
	t, err := a.target() // whichever context is the active one when it starts
	if err != nil {
		return systemd.Service{}, err
	}
	command = append(command, "--coordinator="+t.kept())
	return systemd.Service{
		Name: unitName(name, t), Description: "Workspace " + name + " at " + mountpoint + " (S3)",
		Command: append(command, flags...), Environment: a.serviceEnvironment(), Final: final,
	}, nil
}

// serviceEnvironment is what the mount needs of this environment, and the session's may not
// have. No key and no password is in it.
func (a *App) serviceEnvironment() (env []string) {
	for _, name := range []string{"XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "AWS_CA_BUNDLE"} {
		if v := a.opt.Getenv(name); filepath.IsAbs(v) {
			env = append(env, name+"="+v)
		}
	}
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"} {
		if v := a.opt.Getenv(name); v != "" && !strings.Contains(v, "@") {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// keysWithoutEnvironment refuses a workspace whose keys are in this shell alone: a service
// does not have them, and a unit file is no place for a secret.
func (a *App) keysWithoutEnvironment(ctx context.Context, w workspace.Workspace, profile string) error {
	if w.Backend != workspace.BYO {
		return nil
	}
	chain, err := a.credentialChain(profile, w.ID, w.Region)
	if err != nil {
		return err
	}
	chain.Getenv = nothing
	if _, err = chain.Resolve(ctx); err != nil {
		return fault.New(fault.Usage, "keep them there first, as a `workspace create` without --no-cache-credentials does",
			"the keys of workspace %s are not in %s, and a service has no others", w.Name, a.cache.Path)
	}
	return nil
}
