package deployment

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/repr"

	"customercare/infra/importer"
	"customercare/infra/testkit/cloudformationtest"
)

// deployed is a stack as CloudFormation lists it: with much that is no table, and what
// an update has left behind.
func deployed() cloudformationtest.Stack {
	stack := cloudformationtest.Stack{
		Name: "customercare", Status: "UPDATE_COMPLETE",
		Parameters: map[string]string{"TempAllowTypes": "7=1h"},
		Outputs:    map[string]string{"Other": "https://other.example", "ApiUrl": "https://api.example/v1/"},
	}
	for i := range 120 {
		stack.Resources = append(stack.Resources, cloudformationtest.Resource{
			LogicalID: fmt.Sprintf("Function%dRole", i), PhysicalID: fmt.Sprintf("customercare-%d", i),
			Type: "AWS::IAM::Role", Status: "CREATE_COMPLETE",
		})
	}
	stack.Resources = append(stack.Resources, cloudformationtest.Tables(map[string]string{
		"Users": "customercare-Users-1A", "Customers": "customercare-Customers-1B",
		"Contacts":   "customercare-Contacts-1C",
		"Principals": "customercare-Principals-1D", "Erasures": "customercare-Erasures-1E", "Log": "customercare-Log-1F",
		"Holds": "customercare-Holds-1G", "Rules": "customercare-Rules-1H",
	})...)
	stack.Resources = append(stack.Resources,
		cloudformationtest.Resource{
			LogicalID: "Users", PhysicalID: "customercare-Users-0", Type: "AWS::DynamoDB::Table",
			Status: "DELETE_SKIPPED",
		},
		cloudformationtest.Resource{
			LogicalID: "Contacts", PhysicalID: "customercare-Contacts-0", Type: "AWS::DynamoDB::Table",
			Status: "DELETE_COMPLETE",
		},
		cloudformationtest.Resource{
			LogicalID: "AuditLogs", PhysicalID: "/customercare/customercare/audit", Type: "AWS::Logs::LogGroup",
			Status: "UPDATE_COMPLETE",
		},
		cloudformationtest.Resource{
			LogicalID: "CleanupLogs", PhysicalID: "/customercare/customercare/cleanup", Type: "AWS::Logs::LogGroup",
			Status: "CREATE_COMPLETE",
		},
		cloudformationtest.Resource{
			LogicalID: "AuditLogs", PhysicalID: "/customercare/before/audit", Type: "AWS::Logs::LogGroup",
			Status: "DELETE_SKIPPED",
		})
	return stack
}

var deployedTables = Tables{
	importer.Tables{
		Users: "customercare-Users-1A", Customers: "customercare-Customers-1B",
		Contacts: "customercare-Contacts-1C", Principals: "customercare-Principals-1D",
	},
	"customercare-Erasures-1E", "customercare-Log-1F", "customercare-Holds-1G", "customercare-Rules-1H",
}

func TestStack(t *testing.T) {
	for _, size := range []int{1, 7, 100, 1000} {
		stack := deployed()
		stack.PageSize = size
		cloudformationtest.Serve(t, stack)
		t.Setenv("STACK", "customercare")
		d, err := Find(t.Context(), Chosen{})
		if err != nil {
			t.Fatal(err)
		}
		if d.Tables != deployedTables || d.APIURL != "https://api.example/v1" ||
			d.Where != "stack customercare, AWS eu-west-1" || d.Local ||
			d.Audit.Name != "/customercare/customercare/audit" || d.Audit.Client == nil ||
			!maps.Equal(d.Parameters, stack.Parameters) || d.DB.Options().Region != "eu-west-1" {
			t.Errorf("pages of %d: %s", size, shown(d))
		}
	}
	// Variables say otherwise.
	t.Setenv("CONTACTS_TABLE", "mine")
	t.Setenv("API_URL", "https://care.example/")
	t.Setenv("DYNAMODB_ENDPOINT", "aws")
	want := deployedTables
	want.Contacts = "mine"
	if d, err := Find(t.Context(), Chosen{}); err != nil || d.Tables != want || d.APIURL != "https://care.example" {
		t.Errorf("%s, %v", shown(d), err)
	}
}

func TestStackThatIsNone(t *testing.T) {
	without := func(id string) cloudformationtest.Stack {
		stack := deployed()
		stack.Name = "without" + id
		for i, r := range stack.Resources {
			if r.LogicalID == id {
				stack.Resources[i].LogicalID = "Else" + id
			}
		}
		return stack
	}
	denied, deniedLater := deployed(), deployed()
	denied.Name, denied.Denied = "denied", "DescribeStacks"
	deniedLater.Name, deniedLater.Denied = "deniedlater", "ListStackResources"
	begun := cloudformationtest.Stack{Name: "begun", Status: "CREATE_IN_PROGRESS",
		Resources: []cloudformationtest.Resource{
			{LogicalID: "Users", Type: "AWS::DynamoDB::Table", Status: "CREATE_IN_PROGRESS"},
		}}
	notTable := without("Users")
	notTable.Name = "nottable"
	notTable.Resources = append(notTable.Resources, cloudformationtest.Resource{
		LogicalID: "Users", PhysicalID: "q", Type: "AWS::SQS::Queue", Status: "CREATE_COMPLETE",
	})
	stacks := []cloudformationtest.Stack{denied, deniedLater, begun, notTable, {Name: "empty",
		Status: "ROLLBACK_COMPLETE"}}
	wanted := map[string]string{
		"nowhere": "there is no stack nowhere in eu-west-1",
		"denied": "the stack denied cannot be looked up in eu-west-1: AccessDenied: User: arn:aws:iam::123456789012:user/somebody" +
			" is not authorized to perform: cloudformation:DescribeStacks",
		"deniedlater": "is not authorized to perform: cloudformation:ListStackResources",
		"empty":       "the stack empty (ROLLBACK_COMPLETE) has no table Users: it is not one of template.yaml, or not deployed",
		"begun":       "the stack begun (CREATE_IN_PROGRESS) has no table Users",
		"nottable":    "the stack nottable (UPDATE_COMPLETE) has no table Users",
	}
	for _, id := range tableIDs {
		stacks = append(stacks, without(id))
		wanted["without"+id] = "has no table " + id
	}
	cloudformationtest.Serve(t, stacks...)
	for name, want := range wanted {
		t.Setenv("STACK", name)
		if _, err := Find(t.Context(), Chosen{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	// A table that a variable names need not be the stack's.
	t.Setenv("STACK", "withoutErasures")
	t.Setenv("ERASURES_TABLE", "mine")
	if d, err := Find(t.Context(), Chosen{}); err != nil || d.Tables.Erasures != "mine" {
		t.Errorf("%s, %v", shown(d), err)
	}
}

// What is missing is told once, in our words: the SDK's own warning of it is not shown.
func TestMissingCredentialsAreToldOnce(t *testing.T) {
	cloudformationtest.Unconfigured(t)
	t.Setenv("STACK", "customercare")
	t.Setenv("AWS_REGION", "eu-north-1")
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
	}))
	defer refusing.Close() // as it is in a container
	t.Setenv("AWS_EC2_METADATA_DISABLED", "false")
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", refusing.URL)
	file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stderr
	os.Stderr = file
	_, err = Find(t.Context(), Chosen{})
	os.Stderr = before
	if said, _ := os.ReadFile(file.Name()); err == nil || len(said) > 0 {
		t.Errorf("%v, and on standard error: %s", err, said)
	}
	file.Close()
}

func TestSettings(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	here := l.Addr().String()
	_, port, _ := net.SplitHostPort(here)
	defer l.Close()
	usual := Tables{
		importer.Tables{Users: "Users", Customers: "Customers", Contacts: "Contacts", Principals: "Principals"},
		"Erasures", "Log", "Holds", "Rules",
	}
	const region, key, secret = "AWS_REGION=eu-north-1", "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b"
	for _, row := range []struct {
		set   string // NAME=value ...
		where string
		err   string
	}{
		{"DYNAMODB_PORT=" + port, "http://" + here, ""},
		{"DYNAMODB_ENDPOINT=http://" + here, "http://" + here, ""},
		{"DYNAMODB_ENDPOINT=http://" + here + " DYNAMODB_PORT=1", "http://" + here, ""},
		{"DYNAMODB_ENDPOINT=http://" + here + " PORT=3000", "http://" + here, ""}, // the API of that stack
		{"DYNAMODB_PORT=1", "", "nothing answers at 127.0.0.1:1: start the local stack"},
		{"DYNAMODB_ENDPOINT=" + here, "", "DYNAMODB_ENDPOINT must be an address"},
		{"DYNAMODB_ENDPOINT=ftp://" + here, "", "DYNAMODB_ENDPOINT must be an address"},
		{strings.Join([]string{"DYNAMODB_ENDPOINT=aws", region, key, secret}, " "), "AWS eu-north-1", ""},
		{strings.Join([]string{"DYNAMODB_ENDPOINT=https://dynamodb.eu-north-1.amazonaws.com", region, key, secret},
			" "), "AWS eu-north-1", ""},
		{strings.Join([]string{"DYNAMODB_ENDPOINT=aws", key, secret}, " "), "", "no AWS region is set: set AWS_REGION"},
		{strings.Join([]string{"DYNAMODB_ENDPOINT=aws", region}, " "), "",
			"no AWS credentials are found: set AWS_PROFILE"},
		{strings.Join([]string{"STACK=customercare", key, secret}, " "), "", "no AWS region is set: set AWS_REGION"},
		{strings.Join([]string{"STACK=customercare", region}, " "), "",
			"no AWS credentials are found: set AWS_PROFILE"},
		{"AWS_PROFILE=nobody STACK=customercare", "", "the AWS settings cannot be read"},
		{strings.Join([]string{"STACK=customercare", "DYNAMODB_ENDPOINT=http://" + here, region, key, secret}, " "), "",
			"(STACK and DYNAMODB_ENDPOINT) are both set"},
	} {
		t.Run(row.set, func(t *testing.T) {
			cloudformationtest.Unconfigured(t)
			for pair := range strings.FieldsSeq(row.set) {
				name, value, _ := strings.Cut(pair, "=")
				t.Setenv(name, value)
			}
			d, err := Find(t.Context(), Chosen{})
			if row.err != "" {
				if err == nil || !strings.Contains(err.Error(), row.err) {
					t.Errorf("%v, want %s", err, row.err)
				}
				return
			}
			api := ""
			if !strings.Contains(row.set, "DYNAMODB_ENDPOINT") || strings.Contains(row.set, " PORT=") {
				api = "http://127.0.0.1:3000" // the local stack's
			}
			if err != nil || d.Where != row.where || d.Tables != usual || d.APIURL != api || d.Parameters != nil ||
				d.Local != strings.HasPrefix(d.Where, "http:") || d.Audit.Client != nil {
				t.Errorf("%s, %v", shown(d), err)
			}
		})
	}
}

// shown is what a test may print of a deployment: no client.
func shown(d *Deployment) string {
	if d == nil {
		return "none"
	}
	return repr.String([]any{d.Where, d.APIURL, d.Tables, d.Parameters, d.Local})
}
