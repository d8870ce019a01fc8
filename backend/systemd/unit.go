// Package systemd writes user units for mounts and tells the user's service manager of them
// (SPEC C17). It knows systemd's syntax and nothing of workspaces; it imports internal/ alone.
package systemd

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// Service is a user service that runs one command and tells when it is ready.
type Service struct {
	Name        string   // of the unit, with its suffix
	Description string   // one line
	Command     []string // its program first, by absolute path
	Environment []string // NAME=value; nothing secret
	Final       []int    // exit codes after which it is not started again
}

// Text is the unit file: systemd.unit(5), systemd.service(5). What a line of such a file
// cannot hold is refused.
func (s Service) Text() (string, error) {
	for _, text := range append(append([]string{s.Description}, s.Command...), s.Environment...) {
		if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			return "", fault.New(fault.Usage, "choose a path without line breaks and the like", "%q cannot be in a unit file", text)
		}
	}
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# Written by `mount enable`; `mount disable` removes it.")
	line("[Unit]")
	line("Description=%s", literal(s.Description))
	line("# A session's manager may have no such target. The restarts below wait for the network then.")
	line("After=network-online.target")
	line("StartLimitIntervalSec=0")
	line("")
	line("[Service]")
	line("Type=notify")
	for _, e := range s.Environment {
		line("Environment=%s", quoted(e))
	}
	line("ExecStart=:%s", command(s.Command)) // the colon keeps dollar signs as they are
	line("Restart=on-failure")
	line("RestartSec=10")
	if len(s.Final) > 0 {
		line("RestartPreventExitStatus=%s", strings.Trim(fmt.Sprint(s.Final), "[]"))
	}
	line("# The rest of the group, such as a coordinator that it started, serves others too.")
	line("KillMode=process")
	line("TimeoutStartSec=2min")
	line("# What is not uploaded by then stays on this machine, and goes up with the next start.")
	line("TimeoutStopSec=5min")
	line("")
	line("[Install]")
	line("WantedBy=%s", wantedBy)
	return b.String(), nil
}

// command is an ExecStart line. The program's own name must not hold quotes or backslashes.
func command(words []string) string {
	if strings.ContainsAny(words[0], `"'\`) {
		words = append([]string{"/usr/bin/env", "--"}, words...)
	}
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = quoted(w)
	}
	return strings.Join(out, " ")
}

// quoted is one word as systemd.syntax(7) has it.
func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `%`, `%%`).Replace(text) + `"`
}

// literal is text without specifiers.
func literal(text string) string { return strings.ReplaceAll(text, "%", "%%") }
