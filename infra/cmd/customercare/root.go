package main

import (
	"context"
	_ "embed" // help.txt
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"customercare/infra/deployment"
	"customercare/shared/rfc3339"
)

// app is one call of the command line. Data goes to out, and what is told to a person
// to errs.
type app struct {
	in, errs *os.File
	out      io.Writer

	chosen  deployment.Chosen
	json    bool
	started bool // cobra has taken the call, and the command is at work
}

// root is the whole tree of commands.
func (a *app) root() *cobra.Command {
	root := page("", "customercare")
	root.Version, root.SilenceErrors, root.SilenceUsage = built(), true, true
	flags := root.PersistentFlags()
	flags.StringVar(&a.chosen.Stack, "stack", "", "work on the CloudFormation stack `NAME` in AWS")
	flags.StringVar(&a.chosen.Endpoint, "endpoint", "",
		"work on the tables of the DynamoDB at `URL`, or of AWS itself (aws)")
	flags.BoolVar(&a.json, "json", false, "print JSON")
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	root.AddGroup(&cobra.Group{ID: "data", Title: "Records and who may call:"},
		&cobra.Group{ID: "erasures", Title: "Erasures:"}, &cobra.Group{ID: "evidence", Title: "Evidence:"},
		&cobra.Group{ID: "stack", Title: "The stack:"},
		&cobra.Group{ID: "usage", Title: "This command line:"})
	for id, commands := range map[string][]*cobra.Command{
		"data": {a.importCommand(), a.convertCommand(), a.principalsCommand(), a.subjectCommand()},
		"erasures": {a.erasuresCommand(), a.previewCommand(), a.eraseCommand(), a.holdsCommand(), a.keysCommand(),
			a.restorableCommand(), a.restoredCommand(), a.replayCommand(), a.retentionCommand()},
		"evidence": {a.auditCommand(), a.logCommand(), a.verifyCommand()},
		"stack":    {a.smokeCommand()},
		"usage":    {a.versionCommand()},
	} {
		for _, command := range commands {
			command.GroupID = id
			root.AddCommand(command)
		}
	}
	root.SetHelpCommandGroupID("usage")
	root.SetCompletionCommandGroupID("usage")
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	root.SetFlagErrorFunc(flagError)
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return given(cmd.Flags()) }
	for _, command := range root.Commands() { // cobra's own have no example, and take anything
		switch command.Name() {
		case "help":
			command.Example = "  customercare help principals add"
			command.Run, command.RunE = nil, showHelp
		case "completion":
			command.Args = cobra.ArbitraryArgs
			group(command)
			command.Example = "  source <(customercare completion bash)"
			for _, shell := range command.Commands() {
				shell.Example = fmt.Sprintf("  customercare completion %s >customercare.%[1]s", shell.Name())
			}
		}
	}
	return root
}

//go:embed help.txt
var help string

// page makes a command with its help, which stands in help.txt under the command's
// parents and its use.
func page(parents, use string) *cobra.Command {
	_, text, _ := strings.Cut(help, "\n== "+strings.TrimSpace(parents+" "+use)+"\n")
	text, _, _ = strings.Cut(text, "\n\n== ")
	short, text, _ := strings.Cut(text, "\n\n")
	long, example, _ := strings.Cut(text, "\n\nExamples:\n")
	return &cobra.Command{Use: use, Short: short, Long: long, Example: strings.TrimRight(example, "\n")}
}

// work is what a command does on a deployment with its arguments.
type work func(ctx context.Context, d *deployment.Deployment, args []string) error

// flagError makes a sentence of pflag's refusal of a flag's value, which is strconv's.
func flagError(_ *cobra.Command, err error) error {
	if wrong, ok := errors.AsType[*pflag.InvalidValueError](err); ok && wrong.GetFlag().Value.Type() == "int" {
		return fmt.Errorf("--%s must be a number", wrong.GetFlag().Name)
	}
	return err
}

// given refuses a flag whose value is empty, as a script gives it whose variable is not
// set. Taken for one that is absent, it would check less than the caller asks for, or
// take another deployment.
func given(flags *pflag.FlagSet) (err error) {
	flags.Visit(func(flag *pflag.Flag) {
		empty := flag.Value.String() == ""
		if list, ok := flag.Value.(pflag.SliceValue); ok {
			empty = slices.Contains(list.GetSlice(), "")
		}
		if err == nil && empty {
			err = fmt.Errorf("--%s is empty: leave it out, or give it a value", flag.Name)
		}
	})
	return err
}

// showHelp prints the help of the command that the arguments name.
func showHelp(cmd *cobra.Command, args []string) error {
	found, rest, err := cmd.Root().Find(args)
	if err != nil || len(rest) > 0 {
		return misused("there is no command %q", strings.Join(args, " "))
	}
	found.InitDefaultHelpFlag() // which is shown, too
	return found.Help()
}

// takes refuses a call that has not one argument for each that the command's use names.
func takes(cmd *cobra.Command, args []string) error {
	use, _, _ := strings.Cut(cmd.Use, " --")
	names := strings.Fields(use)[1:]
	usage := cmd.Parent().CommandPath() + " " + use
	switch {
	case len(args) < len(names):
		verb := map[bool]string{true: "is", false: "are"}[len(names)-len(args) == 1]
		return fmt.Errorf("%s %s missing: %s", strings.Join(names[len(args):], " and "), verb, usage)
	case len(args) > len(names) && len(names) == 0:
		return fmt.Errorf("%s takes no argument", cmd.CommandPath())
	case len(args) > len(names):
		return fmt.Errorf("there are more arguments than %s: %s", strings.Join(names, " and "), usage)
	}
	return nil
}

// does gives a command its work, and lets it take the arguments that its use names.
// A wrong call is refused before do begins, by cobra or by the command's PreRunE: so an
// error that comes later is none of the caller's usage.
func (a *app) does(command *cobra.Command, do work) *cobra.Command {
	if command.Args == nil {
		command.Args = takes
	}
	command.RunE = func(cmd *cobra.Command, args []string) error {
		a.started = true
		d, err := deployment.Find(cmd.Context(), a.chosen)
		if err != nil {
			return err
		}
		return do(cmd.Context(), d, args)
	}
	return command
}

// completes makes the completion of a command's last argument, which is asked of the
// deployment. Where that cannot be found it is nothing: a completion tells no errors.
func (a *app) completes(last func(context.Context, *deployment.Deployment, []string) []string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) (all []string, _ cobra.ShellCompDirective) {
		d, err := deployment.Find(cmd.Context(), a.chosen)
		if err == nil && cmd.Args(cmd, append(args, "")) == nil {
			all = last(cmd.Context(), d, args)
		}
		return all, cobra.ShellCompDirectiveNoFileComp
	}
}

// parseTime reads the time that a flag gives.
func parseTime(flag, text string) (time.Time, error) {
	at, ok := rfc3339.Parse(text)
	if !ok {
		return at, fmt.Errorf("--%s must be a time like 2026-01-02T03:04:05Z", flag)
	}
	return at, nil
}

// group puts commands under a parent. Called without one of them, the parent prints its
// help.
func group(parent *cobra.Command, commands ...*cobra.Command) *cobra.Command {
	parent.SuggestionsMinimumDistance = 2
	parent.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		hint := ""
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			hint = ", did you mean " + strings.Join(near, " or ") + "?"
		}
		return misused("%s has no command %q%s", cmd.CommandPath(), args[0], hint)
	}
	parent.AddCommand(commands...)
	return parent
}
