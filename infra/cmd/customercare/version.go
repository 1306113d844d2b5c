package main

import (
	"cmp"
	"runtime/debug"

	"github.com/spf13/cobra"

	"customercare/shared/version"
)

// commit is what git calls the source; the Makefile sets it. A release's binary has none,
// because it is built from the release's source alone.
var commit string

// versionCommand tells which release the program is of. It asks no stack.
func (a *app) versionCommand() *cobra.Command {
	command := page("", "version")
	command.Args = takes
	command.RunE = func(*cobra.Command, []string) error {
		a.started = true
		told := map[string]string{"version": version.Number}
		if source() != "" {
			told["commit"] = source()
		}
		return a.print(told, []any{built()})
	}
	return command
}

// built is the release, and in brackets the commit where it is known.
func built() string {
	if source() == "" {
		return version.Number
	}
	return version.Number + " (" + source() + ")"
}

// source is the commit, or else what Go has noted of the build: a tag or a commit, too.
func source() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "(devel)" {
		return cmp.Or(commit, info.Main.Version)
	}
	return commit
}
