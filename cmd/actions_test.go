package cmd

import (
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/artifacts-tui/artifacts-tui/ui"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
)

// SPEC D8: what a command can do the terminal app can do too, by the action named here; each
// exception says why.
func TestEveryCommandHasAnAction(t *testing.T) {
	actions := map[string]keymap.Action{
		"workspace create": keymap.New, "workspace delete": keymap.Delete, "workspace restore": keymap.WorkspaceRestore, "workspace purge": keymap.WorkspacePurge,
		"workspace quota set": keymap.WorkspaceQuota, "workspace quota clear": keymap.WorkspaceQuota,
		"workspace list": keymap.Page1, "workspace show": keymap.Detail,
		"mount": keymap.Mount, "unmount": keymap.Unmount, "mount list": keymap.Page2, "mount stats": keymap.Detail,
		"mount bwlimit": keymap.Bandwidth, "mount refresh-credentials": keymap.RefreshKeys, "status": keymap.Page2,
		"storage set": keymap.Edit, "storage show": keymap.Page4, "storage clear": keymap.Forget, "storage explain": keymap.Detail,
		"storage verify": keymap.Verify, "storage rotate": keymap.Rotate, "storage status": keymap.Page6,
		"storage profile list": keymap.Page4, "storage profile show": keymap.Detail,
		"bucket create": keymap.BucketCreate, "bucket list": keymap.Page3, "bucket info": keymap.Detail, "bucket usage": keymap.Detail, "bucket delete": keymap.BucketDelete,
		"bucket quota set": keymap.BucketQuota, "bucket quota clear": keymap.BucketQuota, "bucket recycle": keymap.BucketRecycle,
		"bucket deleted": keymap.BucketBin, "bucket restore": keymap.BucketBin,
		"object list": keymap.Open, "object put": keymap.Upload, "object get": keymap.Download, "object cp": keymap.CopyTo, "object mv": keymap.MoveTo,
		"object delete": keymap.Remove, "object share": keymap.Presign, "object head": keymap.Info, "object cat": keymap.Open,
		"peer add": keymap.PeerAdd, "peer list": keymap.Page6, "peer show": keymap.Detail, "peer rotate": keymap.PeerRotate, "peer remove": keymap.PeerRemove,
		"role bind": keymap.RoleBind, "role unbind": keymap.RoleUnbind, "role list": keymap.Detail,
		"share create": keymap.ShareCreate, "share list": keymap.Page6, "share revoke": keymap.ShareRevoke,
		"coordinator status": keymap.Page6, "coordinator backup": keymap.Backup,
		"login": keymap.Login, "logout": keymap.Logout, "whoami": keymap.Page6,
		"context list": keymap.Contexts, "context use": keymap.Contexts, "context show": keymap.Contexts, "context remove": keymap.Logout,
		"keys": keymap.Help,
	}
	const (
		runs     = "it runs, configures or checks a coordinator, on its own machine, and by its administrator"
		accepts  = "it gives data up: it is asked for by a command whose words say so, and by no key"
		rarely   = "what it mends is rare, and its question needs the output of another command"
		standing = "it changes what the machine does at its start"
		scripts  = "it is for scripts"
		helps    = "it is for when something is wrong, which may be the terminal"
	)
	exceptions := map[string]string{
		"coordinator serve": runs, "coordinator stop": runs, "coordinator verify": runs, "coordinator restore": runs, "coordinator reload": runs, "coordinator certificate": runs,
		"coordinator fsck": runs, "coordinator config example": runs, "coordinator config check": runs, "coordinator config show": runs, "coordinator migrate": runs,
		"coordinator service install": runs, "coordinator service uninstall": runs,
		"bucket purge": accepts, "bucket accept-loss": accepts, "workspace accept-loss": accepts,
		"mount quarantine list": rarely, "mount quarantine show": rarely, "mount quarantine restore": rarely, "mount quarantine discard": rarely,
		"mount repair": "u clears a stale mount, and mounting it again takes up what was written", "workspace revoke": rarely,
		"mount enable": standing, "mount disable": standing,
		"storage profile add": standing, "storage profile remove": standing, "storage profile bind": standing, "storage profile unbind": standing,
		"mount metrics": scripts, "mount refresh": scripts, "object sync": scripts, "version": scripts,
		"completion bash": scripts, "completion fish": scripts, "completion powershell": scripts, "completion zsh": scripts,
		"doctor": helps, "support-bundle": helps,
	}
	bound := map[keymap.Action]bool{}
	for _, scope := range ui.DefaultKeys() {
		for _, b := range scope.Bindings {
			bound[b.Action] = true
		}
	}
	seen := map[string]bool{}
	c := &cli{name: "artifacts-tui", in: os.Stdin, out: os.Stdout, err: os.Stderr}
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, child := range cmd.Commands() {
			walk(child)
		}
		_, path, _ := strings.Cut(cmd.CommandPath(), " ")
		if path == "" || cmd.Hidden || !cmd.Runnable() || cmd.HasSubCommands() && path != "mount" {
			return
		}
		seen[path] = true
		a, does := actions[path]
		switch {
		case does && !bound[a]:
			t.Errorf("%s: no key is %s", path, a)
		case does == (exceptions[path] != ""):
			t.Errorf("%s: it needs an action, or a reason why it has none", path)
		}
	}
	walk(c.root())
	for path := range actions {
		if !seen[path] {
			t.Errorf("there is no command %s", path)
		}
	}
	for path := range exceptions {
		if !seen[path] {
			t.Errorf("there is no command %s", path)
		}
	}
}
