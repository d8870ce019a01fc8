package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// targets are the systems of .goreleaser.yaml.
var targets = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64"}

// module is one that is linked, and the folders of its packages that are.
type module struct {
	path, version, dir string
	folders            map[string]bool
}

// linked are the modules of ./cmd/artifacts-tui below root, by path; this one is not among them.
func linked(ctx context.Context, root string) ([]*module, error) {
	found := map[string]*module{}
	for _, target := range targets {
		goos, goarch, _ := strings.Cut(target, "/")
		cmd := exec.CommandContext(ctx, "go", "list", "-deps", "-json=Dir,Standard,Module", "./cmd/artifacts-tui")
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("go list for %s: %w", target, err)
		}
		if err := add(found, out); err != nil {
			return nil, fmt.Errorf("go list for %s: %w", target, err)
		}
	}
	return slices.SortedFunc(maps.Values(found), func(a, b *module) int { return strings.Compare(a.path, b.path) }), nil
}

// add puts what `go list -json` said of packages into found.
func add(found map[string]*module, listed []byte) error {
	type about struct {
		Path, Version, Dir string
		Main               bool
		Replace            *about
	}
	for d := json.NewDecoder(bytes.NewReader(listed)); ; {
		var p struct {
			Dir      string
			Standard bool
			Module   *about
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if p.Standard || p.Module == nil || p.Module.Main {
			continue
		}
		if p.Module.Replace != nil {
			p.Module = p.Module.Replace
		}
		m := found[p.Module.Path]
		if m == nil {
			m = &module{path: p.Module.Path, version: p.Module.Version, dir: p.Module.Dir, folders: map[string]bool{}}
			found[m.path] = m
		}
		m.folders[p.Dir] = true
	}
}

// legal are the names that licences and what belongs to them have.
var legal = regexp.MustCompile(`(?i)^(un)?(licen[cs]e|copying|notice|patents)([._-].*)?$`)

// legalFiles are those of a module's own folder and of every folder on the way to a linked package.
func (m *module) legalFiles() ([]string, error) {
	folders := map[string]bool{m.dir: true}
	for dir := range m.folders {
		for ; strings.HasPrefix(dir, m.dir+string(filepath.Separator)); dir = filepath.Dir(dir) {
			folders[dir] = true
		}
	}
	var files []string
	for dir := range folders {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.Type().IsRegular() && legal.MatchString(e.Name()) && filepath.Ext(e.Name()) != ".go" {
				files = append(files, filepath.Join(dir, e.Name()))
			}
		}
	}
	slices.Sort(files)
	return files, nil
}
