package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"customercare/infra/dryrun"
	"customercare/infra/testkit/dynamotest"
)

// A rule goes its way from being set to being on: no step can be left out, and where it
// takes much, no person can go it alone.
func TestRetention(t *testing.T) {
	kit := dynamotest.Open(t)
	keysSecret(t, kit, bothKeys, "2")
	load(t, kit, erasable())
	before := kit.Dump(t, kit.All()...)
	step := func(code int, wants string, args ...string) result {
		t.Helper()
		r := call(t, "", append([]string{"retention"}, args...)...)
		if r.code != code || !strings.Contains(r.out+r.errs, wants) {
			t.Errorf("%v: %v, want %d and %q", args, r, code, wants)
		}
		return r
	}
	step(0, "there is no rule", "list")
	step(1, `there is no rule "old"`, "enable", "old", "--by", "ann")
	step(2, `required flag(s) "by"`, "stop")
	step(2, "cannot be negative", "set", "old", "--what", "contacts", "--older-than", "-3", "--by", "ann")
	step(2, "lies in the past", "set", "old", "--what", "contacts", "--older-than", "0", "--by", "ann")
	step(2, "is about contacts, transactions", "set", "old", "--what", "phones", "--older-than", "3", "--by", "ann")
	step(2, "belong to no account", "set", "old", "--what", "contacts", "--older-than", "3", "--account", "x", "--by", "ann")
	step(0, "the rule old is set", "set", "old", "--what", "transactions", "--older-than", "30", "--by", "ann")
	step(1, "overlap", "set", "older", "--what", "transactions", "--older-than", "60", "--account", "x", "--by", "ann")
	step(1, "contradict", "set", "idle", "--what", "customers", "--older-than", "20", "--by", "ann")
	step(1, "never run dry", "enable", "old", "--by", "ann")
	var seen dryrun.Seen
	dry := step(0, "", "dry-run", "old", "--json")
	if err := json.Unmarshal([]byte(dry.out), &seen); err != nil || seen.OutOf == 0 || !seen.Cutoff.Before(time.Now()) {
		t.Errorf("%s, %v", dry.out, err)
	}
	if seen.Found*10 <= seen.OutOf {
		t.Fatalf("%d of %d are too few for this test", seen.Found, seen.OutOf)
	}
	step(3, "waits for the yes of another person", "enable", "old", "--by", "ann")
	step(1, "another person than ann", "enable", "old", "--by", "ann")
	step(0, "the rule old is on", "enable", "old", "--by", "bob")
	step(1, "is on already", "enable", "old", "--by", "carl")
	step(1, "a share is a number from 0 to 0.1", "enable", "old", "--by", "carl", "--share", "1")
	step(0, "on", "list")
	step(0, "all rules are stopped", "stop", "--by", "ann")
	step(3, "all rules are stopped, by ann", "list")
	step(0, "the rules apply again", "resume")
	step(0, "transactions", "list")
	step(0, "the rule old is off", "disable", "old")
	step(1, "never run dry", "enable", "old", "--by", "ann")
	if after := kit.Dump(t, kit.All()...); strings.Join(before, "\n") != strings.Join(after, "\n") {
		t.Error("the data has changed")
	}
}
