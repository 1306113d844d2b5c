package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"customercare/infra/deployment"
	"customercare/infra/dryrun"
	"customercare/shared/retention"
	"customercare/shared/store"
)

// maxSkew is how far this machine's clock may go before that of the stack.
const maxSkew = time.Minute

func (a *app) retentionCommand() *cobra.Command {
	return group(page("", "retention"), a.setRuleCommand(), a.enableRuleCommand(),
		a.does(page("retention", "list"), a.listRules),
		a.does(page("retention", "dry-run NAME"), a.dryRun),
		a.does(page("retention", "disable NAME"), func(ctx context.Context, d *deployment.Deployment, args []string) error {
			return a.change(ctx, d, args[0], func(rule retention.Standing) (retention.Standing, error) {
				return rule.Disable(), nil
			})
		}),
		a.stopCommand(),
		a.does(page("retention", "resume"), func(ctx context.Context, d *deployment.Deployment, _ []string) error {
			return a.changed(ctx, d, rules(d).Resume(ctx), "the rules apply again")
		}))
}

// rules is the deployment's table of rules.
func rules(d *deployment.Deployment) store.Rules { return store.Rules{DB: d.DB, Table: d.Tables.Rules} }

// byFlag lets a command ask who calls it.
func byFlag(command *cobra.Command, by *string) {
	command.Flags().StringVar(by, "by", "", "`NAME` of the person who does it")
	_ = command.MarkFlagRequired("by") // it is a flag
}

func (a *app) setRuleCommand() *cobra.Command {
	var rule retention.Rule
	var what, by string
	set := page("retention", "set NAME")
	set.Flags().StringVar(&what, "what", "", "the `KIND` of data: contacts, transactions, customers, users, principals, records")
	set.Flags().IntVar(&rule.Days, "older-than", 0, "of how many `DAYS` the data is that goes")
	set.Flags().StringVar(&rule.Tenant, "tenant", "", "of this `TENANT` only")
	set.Flags().StringVar(&rule.Account, "account", "", "of this `ACCOUNT` only")
	byFlag(set, &by)
	for _, required := range []string{"what", "older-than"} {
		_ = set.MarkFlagRequired(required) // it is a flag
	}
	set.PreRunE = func(_ *cobra.Command, args []string) error {
		rule.What = retention.What(what)
		if len(args) == 1 {
			rule.Name = args[0]
		}
		return rule.Valid()
	}
	return a.does(set, func(ctx context.Context, d *deployment.Deployment, _ []string) error {
		all, err := rules(d).ReadRules(ctx)
		if err != nil {
			return deployment.Explain(ctx, "the table of rules of "+d.Where, err)
		}
		var before retention.Standing
		for _, other := range all.Rules {
			if err := rule.Beside(other.Rule); err != nil {
				return err
			}
			if other.Name == rule.Name {
				before = other
			}
		}
		return a.keep(ctx, d, all, before.Reset(rule, by))
	})
}

func (a *app) enableRuleCommand() *cobra.Command {
	var by string
	var share float64
	enable := page("retention", "enable NAME")
	enable.Flags().Float64Var(&share, "share", retention.MostShare,
		"the `PART` of all data of the kind that one person may have it take")
	byFlag(enable, &by)
	return a.does(enable, func(ctx context.Context, d *deployment.Deployment, args []string) error {
		waits := false
		err := a.change(ctx, d, args[0], func(rule retention.Standing) (retention.Standing, error) {
			rule, err := rule.Enable(by, share, time.Now())
			waits = rule.State == retention.Waiting
			return rule, err
		})
		if err == nil && waits {
			return found("the rule %s waits for the yes of another person", args[0])
		}
		return err
	})
}

func (a *app) stopCommand() *cobra.Command {
	var by string
	stop := page("retention", "stop")
	byFlag(stop, &by)
	return a.does(stop, func(ctx context.Context, d *deployment.Deployment, _ []string) error {
		err := rules(d).Stop(ctx, by, time.Now())
		return a.changed(ctx, d, err, "all rules are stopped: a sweep that is under way ends within its batch")
	})
}

// change changes one rule, as it stands and with all others in view.
func (a *app) change(
	ctx context.Context, d *deployment.Deployment, name string,
	change func(retention.Standing) (retention.Standing, error),
) error {
	all, err := rules(d).ReadRules(ctx)
	if err != nil {
		return deployment.Explain(ctx, "the table of rules of "+d.Where, err)
	}
	for _, rule := range all.Rules {
		if rule.Name == name {
			if rule, err = change(rule); err != nil {
				return err
			}
			return a.keep(ctx, d, all, rule)
		}
	}
	return fmt.Errorf("there is no rule %q: `customercare retention list` has them all", name)
}

// keep keeps a rule, unless somebody has changed one meanwhile.
func (a *app) keep(ctx context.Context, d *deployment.Deployment, all store.RuleSet, rule retention.Standing) error {
	err := rules(d).KeepRule(ctx, all, rule)
	if errors.Is(err, store.ErrRulesChanged) {
		return errors.New("somebody has changed a rule at the same moment, so nothing is changed: call this again")
	}
	return a.changed(ctx, d, err, fmt.Sprintf("the rule %s is %s", rule.Name, said[rule.State]))
}

// said is what a state of a rule is called, and what comes next.
var said = map[retention.State]string{
	retention.Set:     "set: `customercare retention dry-run` shows what it would take",
	retention.Waiting: "not on yet", retention.On: "on", retention.Off: "off",
}

// changed tells what was done, unless err says that it was not.
func (a *app) changed(ctx context.Context, d *deployment.Deployment, err error, what string) error {
	if err == nil {
		a.tell("%s", what)
	}
	return deployment.Explain(ctx, "the table of rules of "+d.Where, err)
}

// listRules prints all rules, and whether they are stopped.
func (a *app) listRules(ctx context.Context, d *deployment.Deployment, _ []string) error {
	all, err := rules(d).ReadRules(ctx)
	var stopped *store.Stopped
	if err == nil {
		stopped, err = rules(d).IsStopped(ctx)
	}
	if err != nil {
		return deployment.Explain(ctx, "the table of rules of "+d.Where, err)
	}
	rows := [][]any{{"NAME", "KIND", "DAYS", "TENANT", "ACCOUNT", "STATE", "YES", "SECOND YES"}}
	for _, r := range all.Rules {
		rows = append(rows, []any{r.Name, string(r.What), r.Days, r.Tenant, r.Account, string(r.State), r.YesBy, r.AlsoBy})
	}
	if err := a.list(map[string]any{"rules": all.Rules, "stopped": stopped}, "there is no rule", rows...); err != nil {
		return err
	}
	if stopped != nil {
		return found("all rules are stopped, by %s: `customercare retention resume`", stopped.By)
	}
	return nil
}

// dryRun looks at what a rule would take, and notes it in the rule.
func (a *app) dryRun(ctx context.Context, d *deployment.Deployment, args []string) error {
	keys, err := a.keysFrom(ctx, d, "")
	if err != nil {
		return err
	}
	var seen dryrun.Seen
	err = a.change(ctx, d, args[0], func(rule retention.Standing) (_ retention.Standing, err error) {
		now := time.Now()
		look := dryrun.Look{DB: d.DB, Tables: d.Tables, Digests: keys.Digester(), Skew: maxSkew}
		seen, err = look.Run(ctx, rule.Rule, now)
		return rule.Tried(retention.DryRun{At: now, Found: seen.Found, OutOf: seen.OutOf, Complete: true}), err
	})
	if err != nil {
		return err
	}
	rows := [][]any{{"cutoff", &seen.Cutoff}, {"found", seen.Found}, {"out of", seen.OutOf}, {"of no age", seen.Ageless}}
	for _, old := range seen.Oldest {
		rows = append(rows, []any{old.Digest, &old.At})
	}
	return a.print(seen, rows...)
}
