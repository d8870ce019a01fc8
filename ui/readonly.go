package ui

import (
	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
)

// readOnlyReason is why an action cannot work in an app that was opened with --read-only.
const readOnlyReason = "--read-only is on"

// reading are the actions that look and change nothing. Any other is disabled in an app that is
// read-only, so that one which is forgotten here is refused rather than done.
var reading = map[keymap.Action]bool{
	keymap.Redraw: true, keymap.Suspend: true, keymap.Leave: true, keymap.Copy: true,
	keymap.Page1: true, keymap.Page2: true, keymap.Page3: true, keymap.Page4: true, keymap.Page5: true,
	keymap.Page6: true, keymap.Page7: true, keymap.NextPage: true, keymap.PrevPage: true,
	keymap.Help: true, keymap.Commands: true, keymap.Messages: true, keymap.Refresh: true, keymap.Clear: true, keymap.Back: true,
	keymap.Up: true, keymap.Down: true, keymap.Top: true, keymap.Bottom: true, keymap.HalfUp: true, keymap.HalfDown: true,
	keymap.Filter: true, keymap.Sort: true, keymap.Reverse: true, keymap.Detail: true, keymap.Open: true,
	keymap.NextField: true, keymap.PrevField: true, keymap.Confirm: true, keymap.Cancel: true, keymap.CopyError: true,
	keymap.PrevSection: true, keymap.NextSection: true, keymap.BucketBin: true, keymap.DeletedList: true, keymap.CopySecret: true,
	keymap.Out: true, keymap.Preview: true, keymap.In: true, keymap.MarkAll: true, keymap.LoadAll: true, keymap.Info: true,
	keymap.ClearJob: true, keymap.ClearJobs: true, keymap.Complete: true,
	keymap.NextView: true, keymap.PrevView: true,
}

// reads reports whether what a page or a dialog asks for changes nothing.
func reads(a action.Action) bool {
	switch a := a.(type) {
	case nil, action.Invoke, action.ReadControl, action.ReadBin, action.OpenNotice, action.OpenMessages, action.Refresh, action.Show, action.Copy, action.Close, action.After, action.Quit:
		return true
	case action.OpenControl:
		return a.Name == keymap.BucketBin
	case action.CloseThen:
		return reads(a.Then)
	case interface{ Reads() bool }:
		return a.Reads()
	}
	return false
}
