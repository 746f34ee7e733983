@rem Runs the Gradle of gradle\wrapper\gradle-wrapper.properties; see gradlew.
@echo off
set JAR=%~dp0gradle\wrapper\gradle-wrapper.jar
if not exist "%JAR%" (
  echo gradlew: expected %JAR%; make it: gradle wrapper --gradle-version 8.9 1>&2
  exit /b 1
)
java -classpath "%JAR%" org.gradle.wrapper.GradleWrapperMain %*
