package ui

import k "github.com/artifacts-tui/artifacts-tui/ui/keymap"

// DefaultKeys is the map of keys. The hint bar and the help are made of it.
func DefaultKeys() k.Map {
	return k.Map{
		{Name: k.Workspaces, Title: "Workspaces", Bindings: []k.Binding{
			{Action: k.Mount, Keys: []string{"m"}, Hint: "mount", Help: "mount the workspace"},
			{Action: k.Unmount, Keys: []string{"u"}, Hint: "unmount", Help: "drain and unmount it"},
			{Action: k.New, Keys: []string{"n"}, Hint: "new", Help: "new managed workspace"},
			{Action: k.Bring, Keys: []string{"b"}, Hint: "bring a bucket", Help: "new workspace in your bucket"},
			{Action: k.Mesh, Keys: []string{"B"}, Help: "new workspace in a mesh bucket"},
			{Action: k.Delete, Keys: []string{"d"}, Hint: "delete", Help: "delete the workspace"},
			{Action: k.WorkspaceQuota, Keys: []string{"Q"}, Hint: "quota", Help: "set or clear its quota"},
			{Action: k.DeletedList, Keys: []string{"D"}, Help: "the recycle bin of workspaces"},
		}},
		{Name: k.Mounts, Title: "Mounts", Bindings: []k.Binding{
			{Action: k.Unmount, Keys: []string{"u"}, Hint: "unmount", Help: "drain and unmount"},
			{Action: k.RefreshKeys, Keys: []string{"r"}, Hint: "refresh keys", Help: "refresh keys, files stay open"},
			{Action: k.Bandwidth, Keys: []string{"b"}, Hint: "bandwidth", Help: "bound its bandwidth, at once"},
			{Action: k.WorkspaceQuota, Keys: []string{"Q"}, Hint: "quota", Help: "set or clear the quota"},
		}},
		{Name: k.Keys, Title: "Credentials", Bindings: []k.Binding{
			{Action: k.Rotate, Keys: []string{"r"}, Hint: "rotate", Help: "rotate the pair, step by step"},
			{Action: k.Edit, Keys: []string{"e"}, Hint: "edit", Help: "change single fields"},
			{Action: k.Verify, Keys: []string{"v"}, Hint: "verify", Help: "try them on every workspace"},
			{Action: k.Forget, Keys: []string{"d"}, Hint: "forget", Help: "forget the pair that is kept"},
		}},
		{Name: k.Overview, Title: "Coordinator", Bindings: sections()},
		{Name: k.Peers, Title: "Peers", Bindings: sections(
			k.Binding{Action: k.PeerAdd, Keys: []string{"n"}, Hint: "add", Help: "add a peer"},
			k.Binding{Action: k.PeerRotate, Keys: []string{"r"}, Hint: "rotate", Help: "give it another token"},
			k.Binding{Action: k.RoleBind, Keys: []string{"b"}, Hint: "give role", Help: "give it a role"},
			k.Binding{Action: k.RoleUnbind, Keys: []string{"u"}, Hint: "take role", Help: "take a role away"},
			k.Binding{Action: k.PeerRemove, Keys: []string{"d"}, Hint: "remove", Help: "remove it at once"},
		)},
		{Name: k.Buckets, Title: "Buckets", Bindings: sections(
			k.Binding{Action: k.BucketCreate, Keys: []string{"n"}, Hint: "new", Help: "make a bucket"},
			k.Binding{Action: k.BucketQuota, Keys: []string{"Q"}, Hint: "quota", Help: "set or clear its quota"},
			k.Binding{Action: k.BucketRecycle, Keys: []string{"b"}, Hint: "keep deleted", Help: "how long to keep what is deleted"},
			k.Binding{Action: k.BucketBin, Keys: []string{"v"}, Hint: "recycle bin", Help: "its deleted objects"},
			k.Binding{Action: k.BucketDelete, Keys: []string{"d"}, Hint: "delete", Help: "delete it with all in it"},
		)},
		{Name: k.Shares, Title: "Shares", Bindings: sections(
			k.Binding{Action: k.ShareCreate, Keys: []string{"n"}, Hint: "new", Help: "share a bucket, or part of one"},
			k.Binding{Action: k.ShareRevoke, Keys: []string{"d"}, Hint: "revoke", Help: "end it at once"},
		)},
		{Name: k.Deleted, Title: "Deleted workspaces", Bindings: sections(
			k.Binding{Action: k.WorkspaceRestore, Keys: []string{"r"}, Hint: "restore", Help: "bring it back"},
			k.Binding{Action: k.WorkspacePurge, Keys: []string{"d"}, Hint: "purge", Help: "remove it for good"},
		)},
		{Name: k.Backups, Title: "Backup", Bindings: sections(
			k.Binding{Action: k.Backup, Keys: []string{"b"}, Hint: "back up", Help: "write the control state to a file"},
		)},
		{Name: k.Log, Title: "Log", Bindings: []k.Binding{
			{Action: k.NextView, Keys: []string{"v", "right"}, Hint: "next log", Help: "the next log: notices, files"},
			{Action: k.PrevView, Keys: []string{"V", "left"}, Help: "the log before it"},
		}},
		{Name: k.List, Title: "Lists", Bindings: []k.Binding{
			{Action: k.Open, Keys: []string{"enter"}, Label: "⏎", Hint: "open", Help: "open the row"},
			{Action: k.Detail, Keys: []string{"space"}, Hint: "detail", Help: "show or hide the detail"},
			{Action: k.Filter, Keys: []string{"/"}, Hint: "filter", Help: "filter the list"},
			{Action: k.Sort, Keys: []string{"s"}, Hint: "sort", Help: "sort by the next column"},
			{Action: k.Reverse, Keys: []string{"S"}, Help: "reverse the order"},
			{Action: k.Up, Keys: []string{"k", "up"}, Label: "k ↑", Help: "up"},
			{Action: k.Down, Keys: []string{"j", "down"}, Label: "j ↓", Help: "down"},
			{Action: k.Top, Keys: []string{"g", "home"}, Help: "to the first row"},
			{Action: k.Bottom, Keys: []string{"G", "end"}, Help: "to the last row"},
			{Action: k.HalfUp, Keys: []string{"ctrl+u", "pgup"}, Help: "half a page up"},
			{Action: k.HalfDown, Keys: []string{"ctrl+d", "pgdown"}, Help: "half a page down"},
		}},
		{Name: k.Everywhere, Title: "Everywhere", Bindings: []k.Binding{
			{Action: k.Commands, Keys: []string{":", "ctrl+p"}, Hint: "commands", Help: "find any command"},
			{Action: k.Help, Keys: []string{"?"}, Hint: "help", Help: "this help"},
			{Action: k.Page1, Keys: []string{"1"}, Help: "workspaces"},
			{Action: k.Page2, Keys: []string{"2"}, Help: "mounts"},
			{Action: k.Page4, Keys: []string{"4"}, Help: "credentials"},
			{Action: k.Page6, Keys: []string{"6"}, Help: "coordinator"},
			{Action: k.Contexts, Keys: []string{"C"}, Help: "use another coordinator"},
			{Action: k.Page7, Keys: []string{"7"}, Help: "log"},
			{Action: k.NextPage, Keys: []string{"tab"}, Help: "next page"},
			{Action: k.PrevPage, Keys: []string{"shift+tab"}, Help: "previous page"},
			{Action: k.Messages, Keys: []string{"t"}, Help: "messages, with their details"},
			{Action: k.Refresh, Keys: []string{"R"}, Help: "read again; retry the coordinator"},
			{Action: k.Clear, Keys: []string{"esc"}, Help: "clear messages, filter, detail"},
			{Action: k.Back, Keys: []string{"q"}, Hint: "quit", Help: "back, then leave"},
		}},
		{Name: k.Always, Title: "", Bindings: []k.Binding{
			{Action: k.Copy, Keys: []string{"y", "ctrl+y"}, Help: "copy the command line"},
			{Action: k.Redraw, Keys: []string{"ctrl+l"}, Help: "draw again"},
			{Action: k.Suspend, Keys: []string{"ctrl+z"}, Help: "suspend"},
			{Action: k.Leave, Keys: []string{"ctrl+c"}, Help: "leave at once"},
		}},
		{Name: k.Filtering, Title: "While filtering", Bindings: []k.Binding{
			{Action: k.Confirm, Keys: []string{"enter"}, Label: "⏎", Hint: "keep", Help: "keep the filter"},
			{Action: k.Cancel, Keys: []string{"esc"}, Hint: "clear", Help: "clear the filter"},
			{Action: k.Up, Keys: []string{"up"}, Label: "↑", Help: "up"},
			{Action: k.Down, Keys: []string{"down"}, Label: "↓", Help: "down"},
		}},
		{Name: k.Searching, Title: "While looking for a command", Bindings: []k.Binding{
			{Action: k.Confirm, Keys: []string{"enter"}, Label: "⏎", Hint: "do it", Help: "do it"},
			{Action: k.Up, Keys: []string{"up", "ctrl+p"}, Label: "↑", Help: "up"},
			{Action: k.Down, Keys: []string{"down", "ctrl+n"}, Label: "↓", Help: "down"},
			{Action: k.HalfUp, Keys: []string{"pgup"}, Help: "half a page up"},
			{Action: k.HalfDown, Keys: []string{"pgdown"}, Help: "half a page down"},
			{Action: k.Cancel, Keys: []string{"esc"}, Hint: "close", Help: "close"},
		}},
		{Name: k.Form, Title: "Forms", Bindings: []k.Binding{
			{Action: k.Confirm, Keys: []string{"enter"}, Label: "⏎", Hint: "next", Help: "next field; confirm on the last"},
			{Action: k.NextField, Keys: []string{"tab", "down"}, Help: "next field"},
			{Action: k.PrevField, Keys: []string{"shift+tab", "up"}, Help: "previous field"},
		}},
		{Name: k.Secrets, Title: "", Bindings: []k.Binding{
			{Action: k.Reveal, Keys: []string{"ctrl+r"}, Hint: "reveal 2 s", Help: "show the secret for two seconds"},
		}},
		{Name: k.Dismiss, Title: "", Bindings: []k.Binding{
			{Action: k.Cancel, Keys: []string{"esc"}, Hint: "cancel", Help: "cancel"},
		}},
		{Name: k.Told, Title: "A secret, told once", Bindings: []k.Binding{
			{Action: k.CopySecret, Keys: []string{"c"}, Hint: "copy", Help: "copy the secret"},
			{Action: k.Cancel, Keys: []string{"esc", "q"}, Hint: "close for good", Help: "close; it is not told again"},
		}},
		{Name: k.Bin, Title: "Recycle bin", Bindings: []k.Binding{
			{Action: k.Confirm, Keys: []string{"enter"}, Label: "⏎", Hint: "restore", Help: "bring the object back"},
			{Action: k.Up, Keys: []string{"k", "up"}, Label: "k ↑", Help: "up"},
			{Action: k.Down, Keys: []string{"j", "down"}, Label: "j ↓", Hint: "choose", Help: "down"},
			{Action: k.Cancel, Keys: []string{"esc", "q"}, Hint: "close", Help: "close"},
		}},
		{Name: k.Places, Title: "Coordinators", Bindings: []k.Binding{
			{Action: k.Confirm, Keys: []string{"enter"}, Label: "⏎", Hint: "use", Help: "use this one"},
			{Action: k.Login, Keys: []string{"l", "n"}, Hint: "log in", Help: "log in to another one"},
			{Action: k.Logout, Keys: []string{"d"}, Hint: "log out", Help: "forget it and its token"},
			{Action: k.Up, Keys: []string{"k", "up"}, Label: "k ↑", Help: "up"},
			{Action: k.Down, Keys: []string{"j", "down"}, Label: "j ↓", Help: "down"},
			{Action: k.Cancel, Keys: []string{"esc", "q"}, Hint: "close", Help: "close"},
		}},
		{Name: k.Pick, Title: "Rotation", Bindings: []k.Binding{
			{Action: k.Confirm, Keys: []string{"enter"}, Label: "⏎", Hint: "next", Help: "next step"},
			{Action: k.Up, Keys: []string{"k", "up"}, Label: "k ↑", Help: "up"},
			{Action: k.Down, Keys: []string{"j", "down"}, Label: "j ↓", Hint: "choose", Help: "down"},
			{Action: k.Cancel, Keys: []string{"esc", "q"}, Hint: "cancel", Help: "leave the rotation"},
		}},
		{Name: k.Check, Title: "", Bindings: []k.Binding{
			{Action: k.Confirm, Keys: []string{"enter"}, Label: "⏎", Hint: "next", Help: "next step"},
			{Action: k.Retry, Keys: []string{"r"}, Hint: "again", Help: "try it again"},
			{Action: k.DryRun, Keys: []string{"n"}, Hint: "end here, a dry run", Help: "a dry run: change nothing"},
			{Action: k.StepBack, Keys: []string{"b", "shift+tab"}, Hint: "back", Help: "a step back"},
			{Action: k.Cancel, Keys: []string{"esc", "q"}, Hint: "cancel", Help: "leave the rotation"},
		}},
		{Name: k.Choices, Title: "", Bindings: []k.Binding{
			{Action: k.Confirm, Keys: []string{"enter"}, Label: "⏎", Hint: "do it", Help: "do what was chosen"},
			{Action: k.Choose, Keys: []string{"space", "right", "l"}, Hint: "choose", Help: "keep, refresh or remount"},
			{Action: k.Up, Keys: []string{"k", "up"}, Label: "k ↑", Help: "up"},
			{Action: k.Down, Keys: []string{"j", "down"}, Label: "j ↓", Help: "down"},
			{Action: k.Cancel, Keys: []string{"esc", "q"}, Hint: "cancel", Help: "leave the rotation"},
		}},
		{Name: k.Abandon, Title: "", Bindings: []k.Binding{
			{Action: k.KeepDraft, Keys: []string{"k"}, Hint: "keep a draft", Help: "leave, and go on later"},
			{Action: k.Undo, Keys: []string{"u"}, Hint: "undo", Help: "leave, all as it was"},
			{Action: k.Cancel, Keys: []string{"esc", "q"}, Hint: "go on", Help: "go on with the rotation"},
		}},
		{Name: k.Ask, Title: "Questions", Bindings: []k.Binding{
			{Action: k.Confirm, Keys: []string{"enter"}, Label: "⏎", Hint: "yes", Help: "yes"},
			{Action: k.Cancel, Keys: []string{"esc", "q"}, Hint: "no", Help: "no"},
		}},
		{Name: k.Progress, Title: "While draining", Bindings: []k.Binding{
			{Action: k.Cancel, Keys: []string{"esc", "enter", "q"}, Hint: "leave it running", Help: "close; it goes on"},
		}},
		{Name: k.Notice, Title: "Notices", Bindings: []k.Binding{
			{Action: k.CopyError, Keys: []string{"c"}, Hint: "copy details", Help: "copy the details"},
			{Action: k.Messages, Keys: []string{"t"}, Hint: "all messages", Help: "all messages"},
			{Action: k.Cancel, Keys: []string{"esc", "enter", "q"}, Hint: "close", Help: "close"},
		}},
		{Name: k.Failure, Title: "Errors", Bindings: []k.Binding{
			{Action: k.Retry, Keys: []string{"r"}, Hint: "retry", Help: "try again"},
			{Action: k.CopyError, Keys: []string{"c"}, Hint: "copy details", Help: "copy the details"},
			{Action: k.Cancel, Keys: []string{"esc", "enter", "q"}, Hint: "close", Help: "close"},
		}},
		{Name: k.Reader, Title: "Help and messages", Bindings: []k.Binding{
			{Action: k.Down, Keys: []string{"j", "down"}, Label: "j ↓", Hint: "scroll", Help: "down"},
			{Action: k.Up, Keys: []string{"k", "up"}, Label: "k ↑", Help: "up"},
			{Action: k.HalfDown, Keys: []string{"space", "pgdown", "ctrl+d"}, Hint: "page", Help: "a page down"},
			{Action: k.HalfUp, Keys: []string{"pgup", "ctrl+u"}, Help: "a page up"},
			{Action: k.Cancel, Keys: []string{"esc", "enter", "q", "?"}, Hint: "close", Help: "close"},
		}},
	}
}

// sections are the keys of a section of the coordinator's page: its own, and those that go to the others.
func sections(own ...k.Binding) []k.Binding {
	return append(own,
		k.Binding{Action: k.NextSection, Keys: []string{"l", "right"}, Label: "h l", Hint: "section", Help: "next section"},
		k.Binding{Action: k.PrevSection, Keys: []string{"h", "left"}, Help: "previous section"},
	)
}

// KeysTogether are the scopes whose keys work at the same time.
func KeysTogether() [][]string {
	return [][]string{
		{k.Workspaces, k.List, k.Everywhere, k.Always},
		{k.Mounts, k.List, k.Everywhere, k.Always},
		{k.Keys, k.List, k.Everywhere, k.Always},
		{k.Overview, k.List, k.Everywhere, k.Always},
		{k.Peers, k.List, k.Everywhere, k.Always},
		{k.Buckets, k.List, k.Everywhere, k.Always},
		{k.Shares, k.List, k.Everywhere, k.Always},
		{k.Deleted, k.List, k.Everywhere, k.Always},
		{k.Backups, k.List, k.Everywhere, k.Always},
		{k.Told, k.Always},
		{k.Bin, k.Always},
		{k.Places, k.Always},
		{k.Log, k.List, k.Everywhere, k.Always},
		{k.Notice, k.Always},
		{k.Pick, k.Always},
		{k.Check, k.Always},
		{k.Choices, k.Always},
		{k.Abandon, k.Always},
		{k.Filtering, k.Always},
		{k.Form, k.Secrets, k.Dismiss, k.Always},
		{k.Ask, k.Always},
		{k.Searching, k.Always},
		{k.Progress, k.Always},
		{k.Failure, k.Always},
		{k.Reader, k.Always},
	}
}
