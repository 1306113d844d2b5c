package template

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"customercare/infra/testkit/dynamotest"
)

// translated are the resources that SAM makes of the template, with references not
// resolved; what has a condition is there whether it holds or not.
func translated(t *testing.T, parameters map[string]string) map[string]any {
	t.Helper()
	if err := exec.Command("python3", "-c", "import cfnlint, samtranslator, boto3").Run(); err != nil {
		t.Skip("python3 has no cfn-lint, so nothing is translated as SAM does it: pip install cfn-lint")
	}
	given, _ := json.Marshal(parameters)
	if parameters == nil {
		given = []byte("{}")
	}
	cmd := exec.CommandContext(t.Context(), "python3", "testdata/translate.py",
		filepath.Join(dynamotest.Root(), "template.yaml"), string(given))
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, complaint.String())
	}
	var made struct{ Resources map[string]any }
	if err := json.Unmarshal(out, &made); err != nil {
		t.Fatal(err)
	}
	return made.Resources
}

// ref is a reference as it stands in JSON.
func ref(name string) any { return map[string]any{"Ref": name} }

// What SAM makes agrees: each route of the five operations calls their alias, API
// Gateway may call the alias and no longer the function, CodeDeploy shifts by the alarm
// of the same function and the API's, with the role of the template. Without a shift
// there is no CodeDeploy, and all else is the same: it can be switched on and off.
func TestWhatSAMMakes(t *testing.T) {
	off, on := translated(t, nil), translated(t, rails)
	names := map[string]bool{} // of the functions that have an alias
	for _, f := range shifted(t, nil) {
		names[f.ID] = true
	}
	for what, made := range map[string]map[string]any{"off": off, "on": on} {
		routes := 0
		for path, methods := range at(made["Api"], "Properties", "Body", "paths").(map[string]any) {
			for method, route := range methods.(map[string]any) {
				uri := fmt.Sprint(at(route, "x-amazon-apigateway-integration", "uri", "Fn::Sub"))
				_, called, _ := strings.Cut(uri, "functions/${")
				called, _, _ = strings.Cut(called, "}")
				function, alias := strings.CutSuffix(called, "Aliaslive")
				function = strings.TrimSuffix(function, ".Arn")
				if alias != names[function] || at(made[function], "Type") != "AWS::Lambda::Function" {
					t.Errorf("%s: %s %s calls %s", what, method, path, called)
				}
				if alias {
					routes++
				}
			}
		}
		permissions := 0
		for id, r := range made {
			if function := at(r, "Properties", "FunctionName", "Ref"); at(r, "Type") == "AWS::Lambda::Permission" && function != nil {
				if names[function.(string)] {
					t.Errorf("%s: %s lets call the function %v, and not its alias", what, id, function)
				}
				if strings.HasSuffix(function.(string), "Aliaslive") {
					permissions++
				}
			}
		}
		if routes < 10 || routes != permissions {
			t.Errorf("%s: %d routes call an alias, %d permissions let them", what, routes, permissions)
		}
	}
	checkShift(t, off, on, names)
}

// checkShift looks at what is there with the shift alone.
func checkShift(t *testing.T, off, on map[string]any, names map[string]bool) {
	var added, changed []string
	for id, r := range on {
		if _, both := off[id]; !both {
			added = append(added, id)
		} else if !reflect.DeepEqual(r, off[id]) {
			changed = append(changed, id)
		}
	}
	groups, aliases := []string{"ServerlessDeploymentApplication"}, []string{}
	for name := range names {
		groups, aliases = append(groups, name+"DeploymentGroup"), append(aliases, name+"Aliaslive")
		p := at(on[name+"DeploymentGroup"], "Properties")
		alarms := []any{map[string]any{"Name": ref(strings.TrimSuffix(name, "Function") + "Errors")},
			map[string]any{"Name": ref("ServerErrors")}}
		if !reflect.DeepEqual(at(p, "AlarmConfiguration"), map[string]any{"Enabled": true, "Alarms": alarms}) ||
			at(p, "ServiceRoleArn", "Fn::If", 1, "Fn::GetAtt", 0) != "CodeDeployRole" ||
			at(p, "AutoRollbackConfiguration", "Enabled") != true {
			t.Errorf("%s shifts so: %v", name, p)
		}
		if got := at(on[name+"Aliaslive"], "UpdatePolicy", "CodeDeployLambdaAliasUpdate", "DeploymentGroupName"); !reflect.DeepEqual(got,
			ref(name+"DeploymentGroup")) || at(off[name+"Aliaslive"], "UpdatePolicy") != nil {
			t.Errorf("%s is led by %v", name, got)
		}
	}
	for _, list := range [][]string{added, changed, groups, aliases} {
		slices.Sort(list)
	}
	if !slices.Equal(added, groups) || !slices.Equal(changed, aliases) || len(on) != len(off)+len(added) {
		t.Errorf("switched on it adds %v, changes %v; want %v, %v", added, changed, groups, aliases)
	}
}

// cfn-lint finds nothing, with no parameter and with every one.
func TestLint(t *testing.T) {
	if _, err := exec.LookPath("cfn-lint"); err != nil {
		t.Skip("cfn-lint is not installed, so the template is not held against its rules: pip install cfn-lint")
	}
	for _, parameters := range []map[string]string{nil, rails} {
		args := []string{"template.yaml"}
		if parameters != nil {
			args = append(args, "--parameters")
		}
		for name, value := range parameters {
			args = append(args, name+"="+value)
		}
		cmd := exec.CommandContext(t.Context(), "cfn-lint", args...)
		cmd.Dir = dynamotest.Root()
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("with %v: %v\n%s", parameters, err, out)
		}
	}
}
