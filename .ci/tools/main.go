// Command ci checks deploy/ without a container engine: it loads the compose
// file as Docker Compose does, and decodes every Kubernetes object strictly
// into the type the API server has for it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

func main() {
	if err := errors.Join(compose("deploy/docker-compose.yml"), manifests("deploy/k8s")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("the compose file and the manifests are valid")
}

// compose loads the file with both build targets.
func compose(path string) error {
	for _, target := range []string{"development", "production"} {
		o, err := cli.NewProjectOptions([]string{path}, cli.WithEnv([]string{"POSTGRES_PASSWORD=x", "BUILD_TARGET=" + target}), cli.WithResolvedPaths(true))
		if err != nil {
			return err
		}
		p, err := o.LoadProject(context.Background())
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		gateway, err := p.GetService("gateway")
		if err != nil || gateway.Build == nil || gateway.Build.Target != target {
			return errors.Join(fmt.Errorf("%s: the gateway is not built for %s", path, target), err)
		}
		for _, name := range []string{"agent", "postgres", "redis"} {
			if _, err := p.GetService(name); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
	}
	if o, err := cli.NewProjectOptions([]string{path}); err == nil {
		if _, err := o.LoadProject(context.Background()); err == nil {
			return fmt.Errorf("%s: loads without POSTGRES_PASSWORD", path)
		}
	}
	return nil
}

// manifests builds the kustomization and decodes what comes of it.
func manifests(dir string) error {
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return err
	}
	var errs []error
	seen := map[string]int{}
	for _, r := range built.Resources() {
		text, err := r.AsYAML()
		if err != nil {
			return err
		}
		seen[r.GetKind()]++
		if err := decode(r.GetApiVersion()+" "+r.GetKind(), text); err != nil {
			errs = append(errs, fmt.Errorf("%s %s: %w", r.GetKind(), r.GetName(), err))
		}
	}
	for _, kind := range []string{"Namespace", "Deployment", "Service", "ConfigMap", "PersistentVolumeClaim", "PodDisruptionBudget", "HorizontalPodAutoscaler", "NetworkPolicy"} {
		if seen[kind] != 1 {
			errs = append(errs, fmt.Errorf("%s: %d of kind %s", dir, seen[kind], kind))
		}
	}
	secret, err := os.ReadFile(dir + "/secret.example.yaml")
	return errors.Join(append(errs, err, decode("v1 Secret", secret))...)
}

func decode(kind string, text []byte) error {
	var into any
	switch kind {
	case "v1 Namespace":
		into = &corev1.Namespace{}
	case "v1 ServiceAccount":
		into = &corev1.ServiceAccount{}
	case "v1 ConfigMap":
		into = &corev1.ConfigMap{}
	case "v1 PersistentVolumeClaim":
		into = &corev1.PersistentVolumeClaim{}
	case "v1 Secret":
		into = &corev1.Secret{}
	case "v1 Service":
		into = &corev1.Service{}
	case "apps/v1 Deployment":
		d := &appsv1.Deployment{}
		if err := yaml.UnmarshalStrict(text, d); err != nil {
			return err
		}
		return deployment(d)
	case "policy/v1 PodDisruptionBudget":
		into = &policyv1.PodDisruptionBudget{}
	case "autoscaling/v2 HorizontalPodAutoscaler":
		into = &autoscalingv2.HorizontalPodAutoscaler{}
	case "networking.k8s.io/v1 NetworkPolicy":
		into = &networkingv1.NetworkPolicy{}
	default:
		return fmt.Errorf("no type is known for %s", kind)
	}
	return yaml.UnmarshalStrict(text, into)
}

// deployment holds what the design asks for.
func deployment(d *appsv1.Deployment) error {
	c := d.Spec.Template.Spec.Containers[0]
	live, ready := c.LivenessProbe, c.ReadinessProbe
	switch {
	case d.Spec.Replicas == nil || *d.Spec.Replicas != 3:
		return errors.New("not 3 replicas")
	case live == nil || live.HTTPGet.Path != "/livez" || live.InitialDelaySeconds != 30 || live.PeriodSeconds != 10:
		return errors.New("liveness is not /livez after 30 s every 10 s")
	case ready == nil || ready.HTTPGet.Path != "/readyz" || ready.InitialDelaySeconds != 5 || ready.PeriodSeconds != 5:
		return errors.New("readiness is not /readyz after 5 s every 5 s")
	case c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero():
		return errors.New("resources are not bounded")
	case c.SecurityContext == nil || c.SecurityContext.ReadOnlyRootFilesystem == nil || !*c.SecurityContext.ReadOnlyRootFilesystem:
		return errors.New("the root file system can be written")
	}
	return nil
}
