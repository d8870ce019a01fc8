package backend

import (
	"context"
	"errors"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/config"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/embedded"
	"github.com/artifacts-tui/artifacts-tui/backend/systemd"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// coordinatorUnit is the service that `coordinator service install` writes, and stateFolder
// the folder under /var/lib of one of the machine.
const (
	coordinatorUnit = "artifacts-coordinator.service"
	stateFolder     = "artifacts-coordinator"
)

// ServiceRequest asks for the coordinator as a service.
type ServiceRequest struct {
	System bool   // of the machine; else of this user's session
	Config string // coordinator.yaml; empty: the embedded coordinator's folders and address
	DryRun bool   // say what would be written, and write nothing
}

// ServiceInstalled is what became of it.
type ServiceInstalled struct {
	Unit    string `json:"unit"`
	File    string `json:"file"`
	Text    string `json:"text,omitempty"` // of the file; for a dry run
	Socket  string `json:"socket,omitempty"`
	Started bool   `json:"started"`
	// Unreachable says why the service manager could not be told, and Next is then what to
	// run where it can.
	Unreachable string   `json:"unreachable,omitempty"`
	Next        []string `json:"next,omitempty"`
}

// InstallCoordinator writes the unit, and starts it where a service manager answers.
func (a *App) InstallCoordinator(ctx context.Context, req ServiceRequest) (ServiceInstalled, error) {
	d, dataDir, err := a.coordinatorDaemon(req)
	if err != nil {
		return ServiceInstalled{}, err
	}
	dir, manager, socket := a.unitPlace(req.System)
	in := ServiceInstalled{Unit: d.Name, File: filepath.Join(dir, d.Name), Socket: socket}
	if req.DryRun {
		in.Text, err = d.Text()
		return in, err
	}
	if req.System && os.Geteuid() != 0 {
		return in, fault.New(fault.Auth, "run it with sudo, or install it for your own session with --user", "only root writes units of the machine")
	}
	if err := os.MkdirAll(dataDir, 0o700); err != nil { // a unit cannot be shut into a folder that is not there
		return in, fault.Wrap(fault.Failure, err, "choose a data_dir that can be made", "data_dir %s", dataDir)
	}
	if _, err = systemd.Write(dir, d); err != nil {
		var known *fault.Error
		if errors.As(err, &known) {
			return in, err
		}
		return in, fault.Wrap(fault.Failure, err, "make the folder writable", "cannot write the unit")
	}
	if err := manager.Run(ctx, "daemon-reload"); err != nil {
		in.Unreachable, in.Next = err.Error(), []string{manager.Line("daemon-reload"), manager.Line("restart", d.Name)}
		return in, ctx.Err()
	}
	if err := manager.Run(ctx, "restart", d.Name); err != nil {
		return in, fault.Wrap(fault.Failure, err, "'journalctl"+userFlag(req.System)+" -u "+d.Name+"' tells why; a coordinator that runs already is in its way",
			"%s is installed, but does not start", d.Name)
	}
	in.Started = true
	return in, nil
}

// UninstallCoordinator stops the service and removes its unit. The data stays.
func (a *App) UninstallCoordinator(ctx context.Context, system bool) (ServiceInstalled, error) {
	dir, manager, _ := a.unitPlace(system)
	out := ServiceInstalled{Unit: coordinatorUnit, File: filepath.Join(dir, coordinatorUnit)}
	if _, err := os.Lstat(out.File); errors.Is(err, os.ErrNotExist) {
		return out, fault.New(fault.NotFound, "--user and --system say which one is meant", "%s is not there", out.File)
	}
	stop := manager.Run(ctx, "stop", coordinatorUnit) // while the manager knows the unit
	if _, err := systemd.Remove(dir, coordinatorUnit); err != nil {
		return out, fault.Wrap(fault.Failure, err, "make the folder writable, or run it with sudo", "cannot remove the unit")
	}
	if err := manager.Run(ctx, "daemon-reload"); err != nil {
		out.Unreachable, out.Next = err.Error(), []string{manager.Line("stop", coordinatorUnit), manager.Line("daemon-reload")}
		return out, ctx.Err()
	}
	if stop != nil {
		return out, fault.Wrap(fault.Failure, stop, "'artifacts coordinator stop' stops it", "the unit is removed, but the coordinator does not stop")
	}
	return out, nil
}

// unitPlace is where the unit is, who starts it, and where it listens for its admin.
func (a *App) unitPlace(system bool) (dir string, m systemd.Manager, socket string) {
	m = a.services
	m.System = system
	if system {
		return systemd.SystemDir, m, "/var/lib/" + stateFolder + "/tonbo/artifacts/coordinator.sock"
	}
	return systemd.Dir(a.opt.Getenv), m, embedded.Socket(a.opt.Roots)
}

func userFlag(system bool) string {
	if system {
		return ""
	}
	return " --user"
}

// coordinatorDaemon is the unit, and the folder of its data.
func (a *App) coordinatorDaemon(req ServiceRequest) (d systemd.Daemon, dataDir string, err error) {
	exe, err := a.exe()
	if err == nil {
		_, err = os.Stat(exe)
	}
	if err != nil || !filepath.IsAbs(exe) {
		return d, "", fault.New(fault.Failure, "run the installed program again", "the program's own file is not known")
	}
	d = systemd.Daemon{
		Name: coordinatorUnit, Description: "Coordinator of artifacts-tui (S3 store)", By: "coordinator service",
		Command: []string{exe, "coordinator", "serve"}, System: req.System,
	}
	c := config.Default()
	if req.Config != "" {
		path, err := filepath.Abs(req.Config)
		if err != nil {
			return d, "", err
		}
		e, err := config.Load(path)
		if err != nil {
			return d, "", err
		}
		c, d.Command = e.Config, append(d.Command, "--config", path)
		d.HomesSeen, d.TmpSeen = inHomes(path), inTmp(path)
	}
	if !req.System {
		if c.S3.DataDir == "" {
			c.S3.DataDir = embedded.DataDir(a.opt.Roots)
		}
		d.Environment = a.serviceEnvironment()
		return d, c.S3.DataDir, nil
	}
	state := "/var/lib/" + stateFolder
	if c.S3.DataDir == "" {
		c.S3.DataDir = filepath.Join(state, "s3")
		d.Command = append(d.Command, "--data-dir", c.S3.DataDir)
	}
	d.State, d.Environment = stateFolder, []string{"HOME=" + state, "XDG_STATE_HOME=" + state}
	if !below(c.S3.DataDir, state) {
		d.Writable = []string{c.S3.DataDir}
	}
	for _, path := range []string{exe, c.S3.DataDir, c.TLS.Cert, c.TLS.Key} {
		d.HomesSeen, d.TmpSeen = d.HomesSeen || inHomes(path), d.TmpSeen || inTmp(path)
	}
	d.User, d.LowPort = owner(c.S3.DataDir), lowPort(c.Listen) || lowPort(c.Metrics.Listen)
	return d, c.S3.DataDir, nil
}

// owner is who a folder belongs to; empty: root, or there is no such folder or user. Nobody
// else could use it: the unit has none of root's powers.
func owner(dir string) string {
	info, err := os.Stat(dir)
	if err != nil {
		return ""
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || stat.Uid == 0 {
		return ""
	}
	u, err := user.LookupId(strconv.FormatUint(uint64(stat.Uid), 10))
	if err != nil {
		return ""
	}
	return u.Username
}

func lowPort(l config.Listen) bool {
	port := l.Port
	if _, text, err := net.SplitHostPort(l.Address); err == nil {
		port, _ = strconv.Atoi(text)
	}
	return port > 0 && port < 1024
}

func inHomes(path string) bool { return below(path, "/home", "/root", "/run/user") }
func inTmp(path string) bool   { return below(path, "/tmp", "/var/tmp") }

// below says whether path is in one of the folders.
func below(path string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return path == f || strings.HasPrefix(path, f+"/") })
}
