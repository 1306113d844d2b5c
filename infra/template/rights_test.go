package template

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// One action in a statement, on one resource; "*" only where AWS knows nothing narrower.
func TestRightsAreNarrow(t *testing.T) {
	roles := ofType(t, "AWS::IAM::Role")
	statements := 0
	for _, role := range roles {
		if role.ID == "ApiGatewayLogRole" {
			continue // AWS's own managed policy, see the template
		}
		if role.Properties["ManagedPolicyArns"] != nil {
			t.Errorf("%s has policies that are not written here", role.ID)
		}
		policies, _ := role.Properties["Policies"].([]any)
		for _, policy := range policies {
			list, _ := at(policy, "PolicyDocument", "Statement").([]any)
			for _, s := range list {
				statements++
				action, single := at(s, "Action").(string)
				resource, one := at(s, "Resource").(string)
				if !single || !one || at(s, "Effect") != "Allow" || strings.Contains(action, "*") {
					t.Errorf("%s: more than one action or resource: %v", role.ID, s)
				}
				if resource == "*" && !strings.HasPrefix(action, "xray:Put") {
					t.Errorf("%s: %s on everything", role.ID, action)
				}
			}
		}
	}
	if statements < 60 {
		t.Errorf("only %d statements were looked at", statements)
	}
	for _, f := range functions(t) {
		if f.Properties["Policies"] != nil {
			t.Errorf("%s has policies besides its role", f.ID)
		}
	}
}

// rights are what a function may do on the customers' data: "PutItem Customers".
func rights(t *testing.T, function string) []string {
	t.Helper()
	role := resources(t)[strings.TrimSuffix(functions(t)[function].ID, "Function")+"Role"]
	var may []string
	list, _ := at(role.Properties, "Policies", 0, "PolicyDocument", "Statement").([]any)
	for _, s := range list {
		action, isTable := strings.CutPrefix(at(s, "Action").(string), "dynamodb:")
		if _, table, ok := strings.Cut(at(s, "Resource").(string), ":table/"); isTable && ok {
			right := action + " " + table
			if at(s, "Condition") != nil {
				right += fmt.Sprint(" only ", at(s, "Condition", "ForAllValues:StringEquals", "dynamodb:Attributes"))
			}
			may = append(may, right)
		}
	}
	return may
}

// Who sets an allow cannot delete; who erases cannot put a customer.
func TestRightsAreApart(t *testing.T) {
	if got := rights(t, "set-temporary-allow"); !slices.Equal(got, []string{"UpdateItem Users"}) {
		t.Errorf("set-temporary-allow may %v", got)
	}
	for function := range functions(t) {
		for _, right := range rights(t, function) {
			action, on, _ := strings.Cut(right, " ")
			switch {
			case action == "PutItem" && strings.HasPrefix(on, "Customers") && on != "Customers only [customer record tombstone at]",
				action == "BatchWriteItem" && on != "Customers only [customer record]",
				action == "PutItem" && (on == "Contacts" || on == "Users"),
				action == "Scan" && right != "Scan Users":
				t.Errorf("%s may %s", function, right)
			}
		}
	}
}
