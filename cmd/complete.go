package cmd

import (
	"context"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/internal/xdg"
)

// completionTime bounds what a completion may take: a shell waits for it.
const completionTime = 900 * time.Millisecond

// completionMost bounds how many values one offers.
const completionMost = 1000

// offer is what a completion knows; it gets an App that starts nothing and asks nobody.
type offer func(ctx context.Context, app *backend.App, begun string) (values []string, d cobra.ShellCompDirective)

// completions are what each argument of a command is, by its path; "..." repeats the one before (SPEC C13).
var completions = map[string][]offer{
	"workspace show":        {workspaceNames},
	"workspace delete":      {workspaceNames},
	"workspace restore":     {deletedWorkspaces},
	"workspace purge":       {deletedWorkspaces},
	"workspace revoke":      {workspaceNames},
	"workspace accept-loss": {workspaceNames},
	"workspace quota set":   {workspaceNames, nothing},
	"workspace quota clear": {workspaceNames},
	"workspace create":      {nothing, folders},

	"mount":                     {workspaceNames, folders},
	"mount stats":               {mountpoints},
	"mount bwlimit":             {mountpoints, oneOf("off", "1M", "10M", "100M")},
	"mount refresh":             {mountpoints},
	"mount refresh-credentials": {mountpoints},
	"mount repair":              {mountpoints},
	"mount enable":              {workspaceNames, folders},
	"mount disable":             {workspaceNames},
	"mount quarantine list":     {workspaceNames},
	"mount quarantine show":     {workspaceNames, nothing},
	"mount quarantine restore":  {workspaceNames, nothing},
	"mount quarantine discard":  {workspaceNames, nothing},
	"unmount":                   {mountpoints},

	"bucket create":      {nothing},
	"bucket info":        {bucketNames},
	"bucket delete":      {bucketNames},
	"bucket usage":       {bucketNames},
	"bucket accept-loss": {bucketNames},
	"bucket recycle":     {bucketNames, oneOf("1d", "7d", "30d", "off")},
	"bucket deleted":     {bucketNames, nothing},
	"bucket purge":       {bucketNames},
	"bucket restore":     {bucketNames, nothing},
	"bucket quota set":   {bucketNames, nothing},
	"bucket quota clear": {bucketNames},

	"object list":   {places},
	"object put":    {files, anyPlace, again},
	"object get":    {places, anyPlace, again},
	"object cp":     {anyPlace, again},
	"object mv":     {anyPlace, again},
	"object sync":   {anyPlace, anyPlace},
	"object cat":    {places},
	"object head":   {places},
	"object share":  {places},
	"object delete": {places, again},

	"peer add":     {nothing},
	"peer show":    {peerNames},
	"peer rotate":  {peerNames},
	"peer remove":  {peerNames},
	"role bind":    {peerNames, oneOf("admin", "system", "bucket-admin", "bucket-write", "bucket-read")},
	"role unbind":  {bindingIDs},
	"share create": {nothing},
	"share revoke": {shareNames},

	"storage explain":        {workspaceNames},
	"storage profile add":    {nothing},
	"storage profile show":   {profileNames},
	"storage profile remove": {profileNames},
	"storage profile bind":   {workspaceNames, profileNames},
	"storage profile unbind": {workspaceNames},

	"login":          {nothing},
	"logout":         {contextNames},
	"context use":    {contextNames},
	"context show":   {contextNames},
	"context remove": {contextNames},

	"coordinator backup":       {files},
	"coordinator verify":       {files},
	"coordinator restore":      {files},
	"coordinator config check": {files},
}

// flagCompletions are the values of flags, by name, on any command.
var flagCompletions = map[string]offer{
	"format":        oneOf("text", "json"),
	"coordinator":   contextNames,
	"profile":       profileNames,
	"bucket":        bucketNames,
	"workspace":     workspaceNames,
	"peer":          peerNames,
	"backend":       oneOf("managed", "byo", "mesh"),
	"cache-profile": oneOf("interactive", "benchmark", "custom"),
	"store":         oneOf("file", "keyring"),
	"type":          oneOf("static", "process", "aws"),
	"mounts":        oneOf("keep", "refresh", "remount"),
	"role":          oneOf("admin", "system", "bucket-admin", "bucket-write", "bucket-read"),
	"dir":           folders,
	"data-dir":      folders,
}

// complete gives every command of the tree what completes its arguments and flags.
func (c *cli) complete(cmd *cobra.Command) {
	path := strings.TrimPrefix(cmd.CommandPath(), c.name)
	if args := completions[strings.TrimPrefix(path, " ")]; args != nil {
		cmd.ValidArgsFunction = func(_ *cobra.Command, given []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return c.offered(at(args, len(given)), given, begun)
		}
	} else if cmd.HasParent() {
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
	for name, o := range flagCompletions {
		if f := cmd.LocalNonPersistentFlags().Lookup(name); f != nil || !cmd.HasParent() && cmd.PersistentFlags().Lookup(name) != nil {
			_ = cmd.RegisterFlagCompletionFunc(name, func(_ *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
				return c.offered(o, nil, begun)
			})
		}
	}
	for _, child := range cmd.Commands() {
		if child.Name() != "completion" {
			c.complete(child)
		}
	}
}

// at is the offer for the argument at i.
func at(args []offer, i int) offer {
	last := len(args) - 1
	if len(args) > 1 && args[last] == nil && i >= last {
		return args[last-1]
	}
	if i > last {
		return nothing
	}
	return args[i]
}

// again repeats the argument before it.
var again offer

// offered are the values that begin as what is typed does, and are not given yet. What takes too long, or
// fails, offers nothing.
func (c *cli) offered(o offer, given []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	roots, err := xdg.Find(os.Getenv)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	if c.useBundle() != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	app := backend.New(backend.Options{Roots: roots, Coordinator: c.coordinator, Offhand: true})
	// What does not answer leaves time to look at what is known here.
	ctx, cancel := context.WithTimeout(context.Background(), completionTime*3/4)
	defer cancel()
	type answer struct {
		values []string
		d      cobra.ShellCompDirective
	}
	answers := make(chan answer, 1)
	go func() {
		values, d := o(ctx, app, begun)
		answers <- answer{values, d}
	}()
	select {
	case a := <-answers:
		var fit []cobra.Completion
		for _, v := range a.values {
			name, _, _ := strings.Cut(v, "\t")
			if strings.HasPrefix(name, begun) && !slices.Contains(given, name) && printable(name) == name && len(fit) < completionMost {
				fit = append(fit, v)
			}
		}
		return fit, a.d
	case <-time.After(completionTime):
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
}
