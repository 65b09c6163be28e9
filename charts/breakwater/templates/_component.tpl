{{/*
A service with everything that belongs to it. Give
  root      the chart's context
  name      folder in services/, component, part of all names
  ports     ports besides the admin port: [{name, port}]
  service   values of its Service; none without
  surge     maxSurge of the rolling update; default 1
  token     mount the service account's token
  secrets   further settings from Secrets: [{env, secret, key}]
  fields    further settings from the pod itself: [{env, path}]
  mounts    Secrets as files: [{name, secret, path, items}]
*/}}
{{- define "breakwater.component" -}}
{{- $root := .root -}}
{{- $values := get $root.Values .name -}}
{{- $fullname := printf "%s-%s" (include "breakwater.fullname" $root) .name -}}
{{- $scope := dict "root" $root "component" .name "name" .name "values" $values "fullname" $fullname "spec" . -}}
{{- include "breakwater.component.account" $scope }}
---
{{ include "breakwater.component.settings" $scope }}
---
{{ include "breakwater.component.deployment" $scope }}
---
{{ include "breakwater.component.disruption" $scope }}
{{- with $values.autoscaling }}
{{- if .enabled }}
---
{{ include "breakwater.component.autoscaler" $scope }}
{{- end }}
{{- end }}
{{- if .service }}
---
{{ include "breakwater.component.service" $scope }}
{{- end }}
{{- end -}}

{{- define "breakwater.component.account" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .fullname }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "breakwater.labels" . | nindent 4 }}
automountServiceAccountToken: false
{{- end -}}

{{- define "breakwater.component.settings" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .fullname }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "breakwater.labels" . | nindent 4 }}
data:
  {{- include "breakwater.settings" . | nindent 2 }}
{{- end -}}

{{- define "breakwater.component.disruption" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ .fullname }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "breakwater.labels" . | nindent 4 }}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "breakwater.selector" . | nindent 6 }}
{{- end -}}

{{- define "breakwater.component.autoscaler" -}}
{{- $scaling := .values.autoscaling -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ .fullname }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "breakwater.labels" . | nindent 4 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ .fullname }}
  minReplicas: {{ $scaling.minReplicas }}
  maxReplicas: {{ $scaling.maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ $scaling.targetCpuPercent }}
  behavior:
    scaleUp:
      stabilizationWindowSeconds: 0
      policies:
        - {type: Percent, value: 100, periodSeconds: 30}
    scaleDown:
      stabilizationWindowSeconds: {{ $scaling.scaleDownSeconds }}
      policies:
        - {type: Pods, value: 1, periodSeconds: 60}
{{- end -}}

{{- define "breakwater.component.service" -}}
{{- $port := index .spec.ports 0 -}}
{{- $service := .spec.service -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ .fullname }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "breakwater.labels" . | nindent 4 }}
  {{- with $service.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  type: {{ $service.type }}
  {{- if ne $service.type "ClusterIP" }}
  externalTrafficPolicy: Cluster
  {{- end }}
  selector:
    {{- include "breakwater.selector" . | nindent 4 }}
  ports:
    - name: {{ $port.name }}
      port: {{ $service.port }}
      targetPort: {{ $port.name }}
      protocol: TCP
      appProtocol: {{ $port.appProtocol | default "http" }}
      {{- if and $service.nodePort (ne $service.type "ClusterIP") }}
      nodePort: {{ $service.nodePort }}
      {{- end }}
{{- end -}}
