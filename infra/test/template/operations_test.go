package template

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"customercare/infra/local/template"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/operation"
)

// The template's routes are those of the operations, each with the operation's function
// and authorizer, and no other: what shared/operation says is what is deployed.
func TestRoutesAreTheOperations(t *testing.T) {
	deployed, err := template.Load(filepath.Join(dynamotest.Root(), "template.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	folders := map[string]string{"": ""} // by the function's name
	for _, f := range deployed.Functions {
		folders[f.Name] = f.Folder
	}
	var got, want []string
	for _, r := range deployed.API.Routes {
		authorizer := folders[deployed.API.Authorizers[r.Authorizer].Function]
		got = append(got, strings.Join([]string{r.Method, r.Path, folders[r.Function], authorizer}, " "))
	}
	for _, o := range operation.Every() {
		for _, r := range o.Routes() {
			want = append(want, strings.Join([]string{r.Method, r.Path, o.Name, o.Authorizer}, " "))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the template has the routes\n%s\nthe operations are\n%s", strings.Join(got, "\n"),
			strings.Join(want, "\n"))
	}
	for _, name := range operation.Functions() {
		if _, ok := deployed.Function(name); !ok {
			t.Errorf("no function has the folder %s", name)
		}
	}
}

// An operation that operators call needs their authorizer: gateway.Endpoint asks it what
// the caller may call.
func TestCallersHaveTheirAuthorizers(t *testing.T) {
	for _, o := range operation.Audited() {
		if (o.Caller == operation.Operator) != (o.Authorizer == operation.AuthorizeOperator) {
			t.Errorf("%s is called by %s and asks %s", o.Name, o.Caller, o.Authorizer)
		}
		if o.Authorizer == operation.AuthorizeApp && o.Caller != operation.App {
			t.Errorf("%s is called by %s and asks %s", o.Name, o.Caller, o.Authorizer)
		}
	}
}
