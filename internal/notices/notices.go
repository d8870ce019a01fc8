package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

// kinds are the licences that a program under Apache-2.0 may be linked with, by words that only they have,
// all of which must be there.
var kinds = []struct {
	name  string
	words []string
}{
	{"Apache-2.0", []string{"Apache License Version 2.0, January 2004"}},
	{"MPL-2.0", []string{"Mozilla Public License Version 2.0", "1.1. \"Contributor\""}},
	{"BSD-3-Clause", []string{"Redistribution and use in source and binary forms", "without specific prior written permission"}},
	{"BSD-2-Clause", []string{"Redistribution and use in source and binary forms"}},
	{"MIT", []string{"Permission is hereby granted, free of charge, to any person obtaining a copy"}},
	{"ISC", []string{"Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted"}},
	{"ISC", []string{"Permission to use, copy, modify, and distribute this software for any purpose with or without fee is hereby granted"}},
	{"Unlicense", []string{"This is free and unencumbered software released into the public domain"}},
	{"CC0-1.0", []string{"CC0 1.0 Universal"}},
}

// kind is what a licence's text is, by its SPDX name; empty where it is none of those above.
func kind(text string) string {
	flat := strings.Join(strings.Fields(text), " ")
	for _, k := range kinds {
		if !slices.ContainsFunc(k.words, func(w string) bool { return !strings.Contains(flat, w) }) {
			return k.name
		}
	}
	return ""
}

// about says whether a file is told by its name to be beside a licence and not one.
func about(name string) bool {
	name = strings.ToUpper(name)
	return strings.HasPrefix(name, "NOTICE") || strings.HasPrefix(name, "PATENTS")
}

// document is a text, and which modules have it.
type document struct {
	text string
	of   []string
}

// notices is the text of the file for the module at root.
func notices(ctx context.Context, root string) ([]byte, error) {
	modules, err := linked(ctx, root)
	if err != nil {
		return nil, err
	}
	goroot, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("go env GOROOT: %w", err)
	}
	modules = append(modules, &module{path: "The Go standard library", dir: strings.TrimSpace(string(goroot))})

	var out bytes.Buffer
	fmt.Fprint(&out, "artifacts-tui is linked with the modules below, under the licences that follow them.\nWritten by `make notices`.\n\n")
	table := tabwriter.NewWriter(&out, 0, 8, 2, ' ', 0)
	var documents []*document
	for _, m := range modules {
		files, err := m.legalFiles()
		if err != nil {
			return nil, err
		}
		var licences []string
		for _, path := range files {
			text, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			if !about(filepath.Base(path)) {
				k := kind(string(text))
				if k == "" {
					return nil, fmt.Errorf("%s %s: %s is none of the licences that this program may be linked with", m.path, m.version, path)
				}
				if !slices.Contains(licences, k) {
					licences = append(licences, k)
				}
			}
			documents = with(documents, string(text), m.path)
		}
		if len(licences) == 0 {
			return nil, fmt.Errorf("%s %s has no licence in %s", m.path, m.version, m.dir)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", m.path, m.version, strings.Join(licences, ", "))
	}
	if err := table.Flush(); err != nil {
		return nil, err
	}
	for _, d := range documents {
		fmt.Fprintf(&out, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(d.of, "\n"), d.text)
	}
	return out.Bytes(), nil
}

// with adds a text of a module, once for all modules that have the same words.
func with(documents []*document, text, module string) []*document {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " \t\f")
	}
	text = strings.Trim(strings.Join(lines, "\n"), "\n")
	same := func(d *document) bool { return slices.Equal(strings.Fields(d.text), strings.Fields(text)) }
	if i := slices.IndexFunc(documents, same); i >= 0 {
		if !slices.Contains(documents[i].of, module) {
			documents[i].of = append(documents[i].of, module)
		}
		return documents
	}
	return append(documents, &document{text: text, of: []string{module}})
}
