package lambda

import (
	"maps"
	"slices"
	"strconv"
	"time"
)

// environment is what Lambda sets for a custom runtime, the function's own variables and
// the service's. Nothing of this program's environment gets in.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
func (i *instance) environment(taskRoot string) []string {
	s, f := i.pool.service, i.pool.function
	credentials := s.opts.Account.Credentials
	if credentials.AccessKeyID == "" {
		credentials.AccessKeyID, credentials.SecretAccessKey = f.AccessKeyID(), ExampleSecretKey
	}
	env := map[string]string{
		"AWS_ACCESS_KEY_ID":               credentials.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY":           credentials.SecretAccessKey,
		"AWS_REGION":                      s.opts.Account.Region,
		"AWS_DEFAULT_REGION":              s.opts.Account.Region,
		"AWS_LAMBDA_FUNCTION_NAME":        f.Name,
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(f.MemoryMB),
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/" + f.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME":      time.Now().UTC().Format("2006/01/02") + "/[$LATEST]" + i.id,
		// Each process has a path of its own below one listener: aws-lambda-go joins the
		// address with "/2018-06-01/runtime/" as text, and another runtime would only
		// lose the path.
		"AWS_LAMBDA_RUNTIME_API": s.listener.Addr().String() + "/" + i.id,
		"_HANDLER":               f.Handler,
		"LAMBDA_TASK_ROOT":       taskRoot,
		"LAMBDA_RUNTIME_DIR":     taskRoot,
		"LANG":                   "en_US.UTF-8",
		"PATH":                   "/usr/local/bin:/usr/bin:/bin",
		"TZ":                     ":UTC",
	}
	if credentials.SessionToken != "" {
		env["AWS_SESSION_TOKEN"] = credentials.SessionToken
	}
	maps.Copy(env, f.Environment)
	maps.Copy(env, s.opts.Environment)
	list := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list = append(list, name+"="+env[name])
	}
	return list
}
