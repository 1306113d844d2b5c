package retention

import (
	"math"
	"strings"
	"testing"
	"time"
)

// Each rule that cannot be is refused with a sentence that says why.
func TestRulesThatCannotBe(t *testing.T) {
	good := Rule{Name: "old-contacts", What: Contacts, Days: 400, Tenant: "acme"}
	if err := good.Valid(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(r *Rule){
		"a rule's name has":      func(r *Rule) { r.Name = "Old" },
		"begins with no hyphen":  func(r *Rule) { r.Name = "-old" },
		"1 to 64 lower-case":     func(r *Rule) { r.Name = strings.Repeat("a", 65) },
		"is about contacts, tra": func(r *Rule) { r.What = "contact" },
		"cannot be negative":     func(r *Rule) { r.Days = -1 },
		"would lie in the futur": func(r *Rule) { r.Days = math.MinInt },
		"at least one day":       func(r *Rule) { r.Days = 0 },
		"at most 36500 days":     func(r *Rule) { r.Days = math.MaxInt },
		"for at least 730 days":  func(r *Rule) { r.What, r.Tenant = Records, "" },
		"not for both":           func(r *Rule) { r.Account = "shop" },
		"users belong to no ten": func(r *Rule) { r.What = Users },
		"contacts belong to no ": func(r *Rule) { r.Tenant, r.Account = "", "shop" },
		"customers belong to no": func(r *Rule) { r.What = Customers },
	} {
		r := good
		change(&r)
		if err := r.Valid(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", r, err, want)
		}
	}
}

// Rules of the same data, or that keep a transaction longer than its customer, do not
// stand beside each other, whichever is there first; others do.
func TestRulesBesideEachOther(t *testing.T) {
	rule := func(name string, what What, days int, tenant, account string) Rule {
		return Rule{Name: name, What: what, Days: days, Tenant: tenant, Account: account}
	}
	for _, c := range []struct {
		one, other Rule
		want       string
	}{
		{rule("a", Contacts, 10, "", ""), rule("b", Contacts, 20, "", ""), "overlap"},
		{rule("a", Contacts, 10, "acme", ""), rule("b", Contacts, 20, "", ""), "overlap"},
		{rule("a", Contacts, 10, "acme", ""), rule("b", Contacts, 10, "acme", ""), "overlap"},
		{rule("a", Contacts, 10, "acme", ""), rule("b", Contacts, 10, "umbrella", ""), ""},
		{rule("a", Contacts, 10, "acme", ""), rule("a", Contacts, 20, "", ""), ""},
		{rule("a", Contacts, 10, "", ""), rule("b", Users, 20, "", ""), ""},
		{rule("a", Customers, 10, "", ""), rule("b", Transactions, 20, "", "shop"), "contradict"},
		{rule("a", Customers, 10, "", "shop"), rule("b", Transactions, 20, "", "shop"), "contradict"},
		{rule("a", Customers, 20, "", "shop"), rule("b", Transactions, 20, "", "shop"), ""},
		{rule("a", Customers, 10, "", "shop"), rule("b", Transactions, 20, "", "mill"), ""},
	} {
		for range 2 {
			err := c.one.Beside(c.other)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%+v beside %+v: %v, want %q", c.one, c.other, err, c.want)
			}
			c.one, c.other = c.other, c.one
		}
	}
}

// What a rule takes is older than its age by every clock.
func TestCutoff(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	got := Rule{Days: 30}.Cutoff(now, time.Minute)
	if want := time.Date(2026, 1, 30, 11, 59, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("%s, want %s", got, want)
	}
}
